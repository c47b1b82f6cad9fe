import { type BrokerId, brokerId, type GroupNumber, randomUuid } from "@stratalog/base";
import { frameCodec, type LogStore } from "@stratalog/log-store";
import { emptyImage, type MetadataImage } from "@stratalog/metadata";
import {
  type GroupFailure,
  type PeerAddress,
  PeerHub,
  type PeerHello,
  RaftHost,
  type TcpLimits,
} from "@stratalog/raft-host";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { BrokerIdentity } from "../directory/broker-identity.ts";
import type { Environment } from "../environment.ts";
import { advertised } from "./registration.ts";

/** Version of the framed protocol between brokers; both ends must speak the same. */
const PEER_PROTOCOL_VERSION = 1;

/** A broker's connections to the others and the Raft groups that use them. */
export class Peers {
  readonly hub: PeerHub;
  readonly raftHost: RaftHost;
  /** Drawn at each start: tells two lives of one broker apart. */
  readonly incarnation: string;
  readonly #config: BrokerConfig;
  #addresses: ReadonlyMap<BrokerId, PeerAddress> = new Map();
  /** Where the others can dial this broker; known once it listens. */
  #ownAddress: PeerAddress | undefined;
  #image: MetadataImage | undefined;

  constructor(options: {
    readonly environment: Pick<Environment, "steadyTime" | "random" | "logger" | "openPeerLink">;
    readonly config: BrokerConfig;
    readonly logs: LogStore;
    readonly checkHello: (hello: PeerHello) => string | undefined;
    readonly onGroupFailed: (group: GroupNumber, failure: GroupFailure) => void;
  }) {
    const { environment, config, logs, checkHello, onGroupFailed } = options;
    const { steadyTime, random, logger } = environment;
    const self = brokerId(config.nodeId);
    const { host, port, tls } = config.listeners.peer;
    this.#config = config;
    this.incarnation = randomUuid(random);
    const link = environment.openPeerLink({ host, port, tls, limits: peerLimitsOf(config) });
    this.hub = new PeerHub({
      self,
      link,
      timers: steadyTime.timers,
      logger: logger.child({ part: "peers" }),
      firstCorrelation: Number.parseInt(this.incarnation.slice(0, 8), 16),
      checkHello: (hello) => checkHello(hello) ?? this.#checkDirectory(hello),
      isMember: (broker) => this.#addresses.has(broker),
    });
    this.raftHost = new RaftHost({
      brokerId: self,
      ...steadyTime,
      random,
      storage: logs,
      codec: frameCodec,
      peers: link,
      logger: logger.child({ part: "raft" }),
      heartbeatMs: config.raft.heartbeatMs,
      electionMs: config.raft.electionMs,
      onGroupFailed,
      // What the controller and groups store is small, and some of it frees space.
      takesRecords: (group) =>
        logs.takesRecords || logs.group(group)?.descriptor.kind !== "partition",
    });
    this.hub.attach(this.raftHost);
  }

  /**
   * Listens, then dials the seeds: by then a hello can say where to answer a broker that they were
   * not told of. Resolves with the port in use.
   */
  async start(identity: BrokerIdentity): Promise<number> {
    this.introduce(identity);
    const { port } = await this.hub.start();
    this.#ownAddress = advertised(this.#config.listeners.peer, port);
    this.introduce(identity);
    this.follow(emptyImage());
    return port;
  }

  /** What this broker says of itself to the others; again once its cluster is known. */
  introduce(identity: BrokerIdentity): void {
    this.hub.link.setHello({
      protocolVersion: PEER_PROTOCOL_VERSION,
      clusterId: identity.clusterId,
      brokerId: brokerId(identity.brokerId),
      directoryId: identity.directoryId,
      incarnation: this.incarnation,
      address: this.#ownAddress,
    });
  }

  /**
   * Keeps connections to the seeds and to every registered broker; a registration's address wins.
   */
  follow(image: MetadataImage): void {
    const addresses = new Map<BrokerId, PeerAddress>();
    for (const { brokerId: id, host, port } of this.#config.seeds) {
      addresses.set(brokerId(id), { host, port });
    }
    for (const [id, { peerAddress }] of image.brokers) addresses.set(id, peerAddress);
    addresses.delete(brokerId(this.#config.nodeId));
    this.#image = image;
    this.#addresses = addresses;
    this.hub.setPeers(addresses);
  }

  isUp(broker: BrokerId): boolean {
    return this.hub.link.isUp(broker);
  }

  /**
   * A broker id belongs to one data directory for good: another one under it would vote again on
   * what the first had promised.
   */
  #checkDirectory({ brokerId: id, directoryId }: PeerHello): string | undefined {
    const known = this.#image?.brokers.get(id)?.directoryId;
    if (known === undefined || known === directoryId) return undefined;
    return `broker ${id} is registered with data directory ${known}, not ${directoryId}`;
  }
}

function peerLimitsOf({ limits }: BrokerConfig): Partial<TcpLimits> {
  return {
    greetingCountMax: limits.peerHandshakes,
    handshakeTimeoutMs: limits.peerHandshakeMs,
    messageBytesMax: limits.peerMessageBytes,
  };
}
