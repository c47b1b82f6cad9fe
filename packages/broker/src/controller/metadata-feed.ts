import {
  CodedError,
  decodeJson,
  type Deferred,
  deferred,
  encodeJson,
  type Shaped,
  shape,
  type Timers,
} from "@stratalog/base";
import { type MetadataRecord, metadataRecordShape, recordsOf } from "@stratalog/metadata";
import type { ControllerReplica } from "./metadata-machine.ts";
import type { Calls } from "./peer-calls.ts";

/** Peer call by which a broker without a controller replica follows the metadata. */
export const METADATA_FETCH = "metadata.fetch";

const requestShape = shape.object({
  /** What the caller has; 0: nothing. */
  fromIndex: shape.integer(0),
  /** How long to wait for something new. */
  waitMs: shape.integer(0, 30_000),
});

/** Committed records after the caller's index, or all that make the image from nothing. */
const responseShape = shape.object({
  index: shape.integer(0),
  isWhole: shape.flag,
  records: shape.list(metadataRecordShape),
});
export type MetadataDelta = Shaped<typeof responseShape>;

export function encodeMetadataFetch(request: Shaped<typeof requestShape>): Uint8Array {
  return encodeJson(request);
}

export function decodeMetadataDelta(bytes: Uint8Array): MetadataDelta {
  const decoded = decodeJson(bytes, responseShape);
  if (decoded.ok) return decoded.value;
  throw new CodedError("UNSUPPORTED_VERSION", `${METADATA_FETCH}: ${decoded.reason}`);
}

/** Changes that are kept for followers; one further behind gets the whole image. */
const CHANGES_MAX = 1_000;

interface Change {
  readonly index: number;
  readonly records: readonly MetadataRecord[];
}

/** Serves committed metadata from a controller replica to brokers that have none. */
export class MetadataFeed {
  readonly #replica: ControllerReplica;
  readonly #timers: Timers;
  #changes: Change[] = [];
  /** Everything above this index is in `#changes`. */
  #fromIndex: number;
  readonly #waiters = new Set<Deferred<void>>();

  constructor(options: {
    readonly replica: ControllerReplica;
    readonly timers: Timers;
    readonly calls: Calls;
  }) {
    this.#replica = options.replica;
    this.#timers = options.timers;
    this.#fromIndex = options.replica.appliedIndex;
    options.replica.onChange(({ index, records }) => this.#keep(index, records));
    options.calls.handle(METADATA_FETCH, (_from, body) => this.#answer(body));
  }

  #keep(index: number, records: readonly MetadataRecord[] | undefined): void {
    if (records === undefined) {
      this.#changes = [];
      this.#fromIndex = index;
    } else {
      this.#changes.push({ index, records });
      if (this.#changes.length > CHANGES_MAX) {
        this.#fromIndex = this.#changes.shift()?.index ?? index;
      }
    }
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters.clear();
  }

  async #answer(body: Uint8Array): Promise<Uint8Array> {
    const request = decodeJson(body, requestShape);
    if (!request.ok) {
      throw new CodedError("INVALID_REQUEST", `${METADATA_FETCH}: ${request.reason}`);
    }
    const { fromIndex, waitMs } = request.value;
    if (!this.#hasNews(fromIndex)) await this.#news(waitMs);
    return encodeJson(this.#delta(fromIndex));
  }

  #hasNews(fromIndex: number): boolean {
    const last = this.#changes.at(-1)?.index ?? this.#fromIndex;
    return last > fromIndex;
  }

  async #news(waitMs: number): Promise<void> {
    const waiter = deferred<void>();
    this.#waiters.add(waiter);
    const timer = this.#timers.after(waitMs, () => waiter.resolve());
    await waiter.promise;
    timer.cancel();
    this.#waiters.delete(waiter);
  }

  #delta(fromIndex: number): MetadataDelta {
    const { state, appliedIndex } = this.#replica;
    // Index 0 is "nothing"; below the kept changes somebody would miss records.
    if (fromIndex === 0 || fromIndex < this.#fromIndex) {
      return { index: appliedIndex, isWhole: true, records: recordsOf(state) };
    }
    const newer = this.#changes.filter(({ index }) => index > fromIndex);
    const records = newer.flatMap((change) => change.records);
    return { index: Math.max(appliedIndex, fromIndex), isWhole: false, records };
  }
}
