import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { messageCodec } from "@stratalog/protocol";
import type { ConsumeRequest } from "@stratalog/protocol";

const CREDIT_BYTES = 64 * 1024 * 1024;
const CONSUME_PATH = "/stratalog.v1.FetchService/Consume";
const FRAME_HEADER_BYTES = 5;
const REOPEN_MS = 1_000;

/** What all stalled fetchers do. */
export interface StalledFetchersOptions {
  /** Where they connect, in turn: "host:port". */
  readonly addresses: readonly string[];
  readonly topic: string;
  readonly partitionCount: number;
  readonly count: number;
  /** Where to begin: the first record that a partition has now. */
  readonly startOf: (partition: number) => number;
}

/**
 * Consume streams that ask for everything from the start, grant all credit that there is, and
 * never read: each holds what a broker sends until its windows are full, and then for good. One
 * that the broker ends comes back after a second and stalls again.
 */
export class StalledFetchers {
  readonly #options: StalledFetchersOptions;
  readonly #sessions = new Set<ClientHttp2Session>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #openCount = 0;
  #endedCount = 0;
  #isClosed = false;

  constructor(options: StalledFetchersOptions) {
    this.#options = options;
    for (let index = 0; index < options.count; index++) this.#open(index);
  }

  /** Streams that are open now. */
  get openCount(): number {
    return this.#openCount;
  }

  /** Streams that the brokers ended so far. */
  get endedCount(): number {
    return this.#endedCount;
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const session of this.#sessions) session.destroy();
  }

  #open(index: number): void {
    const { addresses, topic, partitionCount, startOf } = this.#options;
    const session = connect(`http://${addresses[index % addresses.length]}`);
    this.#sessions.add(session);
    const stream = session.request({
      ":method": "POST",
      ":path": CONSUME_PATH,
      "content-type": "application/grpc",
      te: "trailers",
    });
    this.#openCount++;
    // Closing is what is looked at below; why does not matter.
    session.on("error", () => {});
    stream.on("error", () => {});
    session.once("close", () => this.#reopen(index, session));
    // Without a listener for data the stream is never read.
    stream.once("close", () => session.destroy());
    const partitions = Array.from({ length: partitionCount }, (_, partition) => ({
      subscription: partition + 1,
      topic,
      partition,
      offset: startOf(partition),
    }));
    send(stream, { subscribe: { partitions } });
    send(stream, { credit: { bytes: CREDIT_BYTES } });
  }

  #reopen(index: number, session: ClientHttp2Session): void {
    this.#sessions.delete(session);
    this.#openCount--;
    if (this.#isClosed) return;
    this.#endedCount++;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#open(index);
    }, REOPEN_MS);
    this.#timers.add(timer);
  }
}

const codec = messageCodec<ConsumeRequest>("ConsumeRequest");

function send(stream: ClientHttp2Stream, request: Parameters<typeof codec.encode>[0]): void {
  const message = codec.encode(request);
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  head.writeUInt32BE(message.length, 1);
  stream.write(Buffer.concat([head, message]));
}
