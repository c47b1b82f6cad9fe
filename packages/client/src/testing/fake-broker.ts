import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status as Status,
} from "@grpc/grpc-js";
import { assert, CodedError } from "@stratalog/base";
import {
  type AppendResult,
  type ConsumeRequest,
  type ConsumeResponse,
  type CreateTopicRequest,
  type DescribeTopicRequest,
  type Input,
  Malformed,
  type ProduceStreamRequest,
  type ProduceStreamResponse,
  type ServiceName,
  serverDefinition,
  toCallStatus,
  toWireError,
} from "@stratalog/protocol";
import type { FakeCluster } from "./fake-cluster.ts";
import { FakeConsumer } from "./fake-consumer.ts";

type Unary = (request: never) => object | Promise<object>;

/** One broker of a {@link FakeCluster}. */
export class FakeBroker {
  readonly id: number;
  readonly #cluster: FakeCluster;
  #server: Server | undefined;
  #port = 0;
  readonly #consumers = new Set<FakeConsumer>();
  readonly #produceStreams = new Set<ServerDuplexStream<unknown, unknown>>();
  /** Whether consumers of this broker hear nothing any more, as when the process is paused. */
  isMute = false;
  /** Requests for metadata that came here. */
  metadataCount = 0;
  /** Services that tests add, by name. */
  readonly extra = new Map<ServiceName, Readonly<Record<string, Unary>>>();
  /** The group session handler, when a test has one. */
  groupSession: ((call: ServerDuplexStream<unknown, unknown>) => void) | undefined;

  constructor(id: number, cluster: FakeCluster) {
    this.id = id;
    this.#cluster = cluster;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens, on its old port when it has run before. */
  async start(): Promise<void> {
    const server = new Server({ "grpc.max_receive_message_length": 16 * 1024 * 1024 });
    this.#add(server, "MetadataService", { getMetadata: (r) => this.#getMetadata(r) });
    this.#add(server, "AdminService", {
      initProducerId: () => ({ producerId: this.#cluster.nextProducerId++, producerEpoch: 0 }),
      createTopic: ({ name, partitionCount, config }: CreateTopicRequest) => {
        if (this.#cluster.topics.has(name)) throw new CodedError("TOPIC_ALREADY_EXISTS", name);
        this.#cluster.createTopic(name, partitionCount ?? 1, config);
        return { topic: this.#describe(name) };
      },
      describeTopic: ({ name }: DescribeTopicRequest) => ({ topic: this.#describe(name) }),
    });
    this.#add(
      server,
      "ProduceService",
      {},
      { produceStream: (call: ServerDuplexStream<unknown, unknown>) => this.#produce(call) },
    );
    this.#add(
      server,
      "FetchService",
      { listOffsets: (request) => this.#listOffsets(request) },
      { consume: (call: ServerDuplexStream<unknown, unknown>) => this.#consume(call) },
    );
    this.#add(
      server,
      "GroupService",
      {},
      {
        groupSession: (call: ServerDuplexStream<unknown, unknown>) => this.groupSession?.(call),
      },
    );
    this.#port = await new Promise<number>((resolve, reject) => {
      const address = `127.0.0.1:${this.#port}`;
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    this.#server = server;
  }

  /** Dies: connections break, the port refuses. */
  stop(): Promise<void> {
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.#consumers.clear();
    this.#produceStreams.clear();
    return Promise.resolve();
  }

  /** Breaks every produce stream. */
  breakProduceStreams(): void {
    const broken = { code: Status.UNAVAILABLE, details: "broken by the test" };
    for (const call of this.#produceStreams) call.emit("error", broken);
    this.#produceStreams.clear();
  }

  /** Logs or leaders changed. */
  onChange(): void {
    if (this.isMute) return;
    for (const consumer of this.#consumers) consumer.push();
  }

  #add(
    server: Server,
    name: ServiceName,
    unary: Readonly<Record<string, Unary>>,
    streams: Readonly<Record<string, (call: ServerDuplexStream<unknown, unknown>) => void>> = {},
  ): void {
    const definition = serverDefinition(name);
    const handlers = Object.keys(definition).map((path) => {
      // The definition has the names of the .proto file; the generated types begin in lower case.
      const method = `${path.charAt(0).toLowerCase()}${path.slice(1)}`;
      const stream = streams[method];
      if (stream !== undefined) return [path, stream] as const;
      const handle = (call: ServerUnaryCall<never, object>, done: sendUnaryData<object>): void => {
        const answer = this.extra.get(name)?.[method] ?? unary[method] ?? notImplemented(method);
        Promise.resolve()
          .then(() => answer(call.request))
          .then(
            (response) => done(null, response),
            (error: unknown) => done(toCallStatus(error)),
          );
      };
      return [path, handle] as const;
    });
    server.addService(definition, Object.fromEntries(handlers));
  }

  #describe(name: string): object {
    const partitions = this.#cluster.topics.get(name);
    if (partitions === undefined) throw new CodedError("UNKNOWN_TOPIC_OR_PARTITION", name);
    return {
      name,
      topicId: `id-${name}`,
      partitions: partitions.map(({ leader, leaderEpoch }, partition) => ({
        partition,
        leaderId: leader,
        leaderEpoch,
      })),
      config: this.#cluster.configs.get(name) ?? [],
    };
  }

  #getMetadata(request: { readonly topics: readonly string[] }): object {
    this.metadataCount++;
    const { topics, brokers, version } = this.#cluster;
    return {
      clusterId: "fake",
      brokerId: this.id,
      controllerId: 1,
      version,
      brokers: brokers.map(({ id, port }) => ({ brokerId: id, host: "127.0.0.1", port })),
      topics: request.topics.map((name) => {
        const partitions = topics.get(name);
        if (partitions === undefined) {
          return { name, error: { code: "UNKNOWN_TOPIC_OR_PARTITION", message: `no ${name}` } };
        }
        return {
          name,
          topicId: `id-${name}`,
          partitions: partitions.map(({ leader, leaderEpoch }, partition) => ({
            partition,
            leaderId: leader,
            leaderEpoch,
          })),
        };
      }),
    };
  }

  #produce(call: ServerDuplexStream<unknown, unknown>): void {
    // The definition's decoder made these messages.
    const typed = call as ServerDuplexStream<
      ProduceStreamRequest | Malformed,
      Input<ProduceStreamResponse>
    >;
    this.#produceStreams.add(call);
    typed.on("error", () => this.#produceStreams.delete(call));
    typed.on("end", () => typed.end());
    typed.on("data", (message: ProduceStreamRequest | Malformed) => {
      assert(!(message instanceof Malformed), "the SDK sends well-formed messages");
      const results: Input<AppendResult>[] = [];
      const answer = (): void => {
        if (results.length > 0) typed.write({ results });
      };
      for (const append of message.appends) {
        const fate = this.#cluster.fateOf({ brokerId: this.id, ...append });
        if (fate === "break") {
          answer();
          this.breakProduceStreams();
          return;
        }
        if (fate === "drop") continue;
        const result = this.#append(append);
        if (fate === "store-and-break") {
          answer();
          this.breakProduceStreams();
          return;
        }
        if (fate === "store") results.push({ correlation: append.correlation, ...result });
      }
      answer();
      this.#cluster.onAppended();
    });
  }

  #append(append: ProduceStreamRequest["appends"][number]): object {
    try {
      const partition = this.#cluster.topics.get(append.topic)?.[append.partition];
      if (partition === undefined) {
        throw new CodedError("UNKNOWN_TOPIC_OR_PARTITION", `no ${append.topic}`);
      }
      if (partition.leader !== this.id) throw this.notLeader(partition);
      return partition.append(append.batch, append.expectedOffset);
    } catch (error) {
      return { baseOffset: -1, error: toWireError(error) };
    }
  }

  /** The error that a broker gives which does not lead. */
  notLeader(partition: { readonly leader: number; readonly leaderEpoch: number }): CodedError {
    const leader = this.#cluster.broker(partition.leader);
    return new CodedError("NOT_LEADER", `broker ${partition.leader} leads`, {
      details: {
        leaderId: partition.leader,
        leaderEpoch: partition.leaderEpoch,
        leaderHost: "127.0.0.1",
        leaderPort: leader.port,
      },
    });
  }

  #listOffsets(request: {
    readonly queries: readonly {
      readonly topic: string;
      readonly partition: number;
      readonly at?: string;
      readonly timestampMs?: number;
    }[];
  }): object {
    return {
      answers: request.queries.map(({ topic, partition, at, timestampMs }) => {
        const found = this.#cluster.partition(topic, partition);
        if (found.leader !== this.id) {
          return { topic, partition, offset: -1, error: toWireError(this.notLeader(found)) };
        }
        if (at === "earliest") return { topic, partition, offset: found.start };
        if (at === "latest") return { topic, partition, offset: found.end };
        return { topic, partition, offset: found.offsetAt(timestampMs ?? 0) };
      }),
    };
  }

  #consume(call: ServerDuplexStream<unknown, unknown>): void {
    // As in #produce.
    const typed = call as ServerDuplexStream<ConsumeRequest, Input<ConsumeResponse>>;
    const consumer = new FakeConsumer(this, this.#cluster, typed);
    this.#consumers.add(consumer);
    typed.on("close", () => this.#consumers.delete(consumer));
  }
}

function notImplemented(method: string): Unary {
  return () => {
    throw new CodedError("UNSUPPORTED_VERSION", `${method} is not faked`);
  };
}
