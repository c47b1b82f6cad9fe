/** Files and rules of a listener that encrypts. */
export interface TlsConfig {
  /** The listener's certificate and what signed it, PEM. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities of the other side, PEM; the system's when absent. */
  readonly caFile: string | undefined;
  /** Whether the other side must show a certificate of these authorities. */
  readonly clientAuth: "none" | "required";
}

/** Where a listener binds and the address that others are told. */
export interface ListenerConfig {
  readonly host: string;
  /** 0 binds any free port. */
  readonly port: number;
  /** What others dial; the bound host when absent. */
  readonly advertisedHost: string | undefined;
  /** What others dial; the bound port when absent. */
  readonly advertisedPort: number | undefined;
  /** Undefined: what passes is not encrypted. */
  readonly tls: TlsConfig | undefined;
}

/** One initial voter of the controller's group, reached at its peer listener. */
export interface Seed {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
}

/** How loud the log is. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Raft's clocks and windows, the same for every group of the broker. */
export interface RaftConfig {
  readonly heartbeatMs: number;
  /** The shortest silence that makes a follower stand; each draw is between this and twice this. */
  readonly electionMs: number;
}

/** Budgets and thresholds of the write-ahead log, the tail cache and the segments behind them. */
export interface StorageConfig {
  readonly walFileBytes: number;
  readonly checkpointIntervalMs: number;
  readonly tailCacheBytes: number;
  readonly flushBytes: number;
  readonly flushMs: number;
  readonly indexIntervalBytes: number;
  /** Free bytes of the disk below which producers are refused; 0 for none. */
  readonly diskReserveBytes: number;
}

/** What a topic gets where its own configuration says nothing. */
export interface TopicDefaults {
  readonly partitions: number;
  /** `auto` is 1 in a cluster below three brokers and 3 from three on. */
  readonly replicationFactor: number | "auto";
  readonly segmentBytes: number;
  readonly segmentMs: number;
  /** -1 keeps records for ever. */
  readonly retentionMs: number;
  /** -1 keeps records for ever. */
  readonly retentionBytes: number;
  readonly maxMessageBytes: number;
}

/** How brokers prove to the controller that they live. */
export interface LivenessConfig {
  readonly heartbeatIntervalMs: number;
  /** Silence after which the controller fences a broker. */
  readonly sessionTimeoutMs: number;
}

/** Consumer groups. */
export interface GroupsConfig {
  /**
   * Partitions of the internal topic that holds groups and their offsets; fixed at its creation.
   */
  readonly partitions: number;
  /** Beat that members are asked for; how long a silence may be, each member says. */
  readonly heartbeatIntervalMs: number;
  /** How long a group without members is kept after its last member or commit. */
  readonly offsetsRetentionMs: number;
}

/** Bounds on what clients and peers may make the broker hold. */
export interface LimitsConfig {
  /** Connections of each port for clients. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly handshakeMs: number;
  readonly idleMs: number;
  /** 0: connections do not age. */
  readonly ageMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly streamsPerConnection: number;
  readonly headerBytes: number;
  /** Largest message of a client. */
  readonly requestBytes: number;
  /** Memory for the calls of one connection, and of all. */
  readonly connectionBytes: number;
  readonly allConnectionsBytes: number;
  readonly stalledMs: number;
  /** Bytes of produce requests that are not answered yet. */
  readonly produceInflightBytes: number;
  readonly requestTimeoutMs: number;
  /** Topics that one metadata request may name. */
  readonly metadataTopics: number;
  readonly peerHandshakes: number;
  readonly peerHandshakeMs: number;
  readonly peerMessageBytes: number;
  readonly httpConnections: number;
  readonly shutdownTimeoutMs: number;
}

/** Everything that one broker is told from outside, checked and complete. */
export interface BrokerConfig {
  readonly nodeId: number;
  readonly dataDir: string;
  /** Empty: this broker forms a cluster of its own. */
  readonly seeds: readonly Seed[];
  readonly rack: string | undefined;
  /** Allows listeners beyond loopback without TLS; they are named in a warning every minute. */
  readonly insecure: boolean;
  readonly logLevel: LogLevel;
  readonly listeners: {
    readonly client: ListenerConfig;
    /** A second door for clients that reach this broker by another address. */
    readonly external: ListenerConfig | undefined;
    readonly peer: ListenerConfig;
    readonly http: ListenerConfig;
  };
  readonly raft: RaftConfig;
  readonly storage: StorageConfig;
  readonly topicDefaults: TopicDefaults;
  readonly liveness: LivenessConfig;
  readonly groups: GroupsConfig;
  readonly limits: LimitsConfig;
}
