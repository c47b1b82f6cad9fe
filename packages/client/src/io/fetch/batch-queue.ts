import { CodedError, deferred, type Deferred } from "@stratalog/base";
import {
  type Compression,
  compressionTypeOf,
  endOffsetOf,
  isCodecLoaded,
  isControl,
  loadCodec,
  openBatch,
  validateBatch,
} from "@stratalog/record-batch";
import { BatchReader } from "../../core/batch-reader.ts";
import type { ConsumerSerdes } from "../../core/consumed-record.ts";
import type { Cluster } from "../cluster.ts";
import type { Scope } from "../scope.ts";
import { type Feed, type FetchedBatch, isCurrent } from "./feed.ts";
import { Fetcher } from "./fetcher.ts";

/** A batch that is open for reading. */
export interface OpenedFeedBatch<Key, Value> {
  readonly feed: Feed;
  readonly reader: BatchReader<Key, Value>;
  /** First offset wanted from it. */
  readonly from: number;
  /** Offset after its last record that is wanted. */
  readonly end: number;
  /** Whether nobody has moved its feed since. */
  isCurrent(): boolean;
  /** It was read or is not wanted: must be called once. */
  release(): void;
}

/** How batches are read. */
export interface BatchQueueOptions<Key, Value> {
  readonly cluster: Cluster;
  readonly scope: Scope;
  readonly bufferBytes: number;
  readonly serdes: ConsumerSerdes<Key, Value>;
  /** Offset at which a partition's reading ends. */
  readonly endOf: (feed: Feed) => number;
  readonly onOutOfRange: (feed: Feed, error: CodedError) => void;
  /** Called when something came: the place to look at positions. */
  readonly onData: () => void;
}

const ALL_COMPRESSIONS: readonly Compression[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/** The fetched batches of all partitions, checked and decompressed, one after the other. */
export class BatchQueue<Key, Value> {
  readonly fetcher: Fetcher;
  readonly #options: BatchQueueOptions<Key, Value>;
  #wake: Deferred<void> | undefined;
  #failure: CodedError | undefined;

  constructor(options: BatchQueueOptions<Key, Value>) {
    this.#options = options;
    const { cluster, scope, bufferBytes } = options;
    this.fetcher = new Fetcher({
      cluster,
      scope,
      bufferBytes,
      listener: {
        onData: () => {
          options.onData();
          this.wake();
        },
        onOutOfRange: (feed, error) => options.onOutOfRange(feed, error),
        onFailed: (_feed, error) => this.fail(error),
      },
    });
  }

  /** Lets a waiting reader look again. */
  wake(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }

  /** Makes the reader throw. */
  fail(error: CodedError): void {
    this.#failure ??= error;
    this.wake();
  }

  /** The next batch that is here; undefined: none now. Throws what went wrong. */
  async take(): Promise<OpenedFeedBatch<Key, Value> | undefined> {
    for (;;) {
      this.#options.scope.check();
      if (this.#failure !== undefined) throw this.#failure;
      const fetched = this.fetcher.take();
      if (fetched === undefined) return undefined;
      const opened = await this.#open(fetched);
      if (opened !== undefined) return opened;
      this.fetcher.release(fetched);
    }
  }

  /** Resolves when there may be something new. */
  changed(): Promise<void> {
    this.#wake ??= deferred<void>();
    return this.#wake.promise;
  }

  async #open(fetched: FetchedBatch): Promise<OpenedFeedBatch<Key, Value> | undefined> {
    const { feed, bytes, from } = fetched;
    const validation = validateBatch(bytes, {
      maxBytes: Number.MAX_SAFE_INTEGER,
      compressions: ALL_COMPRESSIONS,
      controlBatches: "accept",
    });
    if (!validation.ok) throw damaged(feed, from, validation);
    const compression = compressionTypeOf(bytes, 0);
    if (compression !== undefined && !isCodecLoaded(compression)) {
      await loadCodec(compression);
      if (!isCurrent(fetched)) return undefined;
    }
    const to = this.#options.endOf(feed);
    const end = Math.min(to, endOffsetOf(bytes, 0));
    // Markers are the log's own; a batch may also lie wholly outside what is wanted.
    if (isControl(bytes, 0) || end <= from) return undefined;
    const opened = openBatch(bytes);
    if (!opened.ok) throw damaged(feed, from, opened);
    this.#options.cluster.telemetry.fetched(feed, bytes.length, { from, end });
    const { topic, partition } = feed;
    const origin = { topic, partition, serdes: this.#options.serdes };
    return {
      feed,
      reader: new BatchReader(origin, opened.cursor, { from, to }),
      from,
      end,
      isCurrent: () => isCurrent(fetched),
      release: () => this.fetcher.release(fetched),
    };
  }
}

function damaged(
  feed: Feed,
  offset: number,
  failure: { readonly code: CodedError["code"]; readonly message: string },
): CodedError {
  const { topic, partition } = feed;
  return new CodedError(
    failure.code,
    `a batch of ${topic}/${partition} after offset ${offset} cannot be read: ${failure.message}`,
    { details: { topic, partition, offset } },
  );
}
