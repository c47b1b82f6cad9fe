import { machineTimers, type Timer } from "@stratalog/base";
import {
  type ConsumedBatch,
  type ConsumedRecord,
  originalHeaders,
  type Producer,
  readDeadLetter,
  type Stratalog,
} from "@stratalog/client";
import { lookAt, redriveGroupOf, redrivenOffsets, waitingCount } from "./dead-letter-topic.ts";

/** What a redrive did, or would do. */
export interface RedriveResult {
  /** Records sent back, by the topic that they came from. */
  readonly counts: ReadonlyMap<string, number>;
  /** Records of the topic that are no dead letters: passed over. */
  readonly skippedCount: number;
}

/** How to redrive. */
export interface RedriveOptions {
  readonly topic: string;
  readonly max: number;
  /** Only count. */
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (sentCount: number, waiting: bigint) => void;
}

/** Records that are sent before how far that is is stored: so many at most are sent twice. */
const CHUNK_RECORDS = 100;
const LOOK_MS = 500;

/**
 * Sends dead letters back to the partitions that they came from, as they were, up to what the topic
 * had when this began. How far that is is committed through a group: what was stopped goes on where
 * it was, and two at a time share the work.
 */
export async function redrive(client: Stratalog, options: RedriveOptions): Promise<RedriveResult> {
  const state = await lookAt(client, options.topic, options.signal);
  const work = new Redrive(client, options, waitingCount(state));
  const ends = new Map(state.partitions.map(({ partition, end }) => [partition, end]));
  if (options.isDryRun) {
    await work.count(
      new Map(state.partitions.map(({ partition, next }) => [partition, next])),
      ends,
    );
  } else if (state.partitions.some(({ next, end }) => next < end)) await work.send(ends);
  return work;
}

class Redrive implements RedriveResult {
  readonly counts = new Map<string, number>();
  skippedCount = 0;
  readonly #client: Stratalog;
  readonly #options: RedriveOptions;
  readonly #waiting: bigint;
  #seenCount = 0;

  constructor(client: Stratalog, options: RedriveOptions, waiting: bigint) {
    this.#client = client;
    this.#options = options;
    this.#waiting = waiting;
  }

  async count(
    starts: ReadonlyMap<number, bigint>,
    ends: ReadonlyMap<number, bigint>,
  ): Promise<void> {
    const { topic, signal } = this.#options;
    const from = { offsets: Object.fromEntries(starts) };
    const to = { offsets: Object.fromEntries(ends) };
    for await (const record of this.#client.replay({ topic, from, to, signal })) {
      this.#note(record);
      if (this.#isFull) break;
    }
  }

  async send(ends: ReadonlyMap<number, bigint>): Promise<void> {
    const { topic, signal } = this.#options;
    await using producer = this.#client.producer();
    await using consumer = this.#client.consumer({
      group: redriveGroupOf(topic),
      topics: [topic],
      fromBeginning: true,
      commit: "manual",
    });
    const close = (): void => void consumer.close();
    signal.addEventListener("abort", close, { once: true });
    const endWatch = this.#watch(ends, close);
    try {
      for await (const batch of consumer.batches()) {
        const { partition } = batch;
        const end = ends.get(partition) ?? 0n;
        for (const chunk of chunksOf(batch, end)) {
          if (this.#isFull || signal.aborted) break;
          const done = await this.#sendBack(producer, chunk);
          await consumer.commit([{ topic, partition, offset: done }]);
        }
        // What came later, perhaps because it failed again, is for the next redrive.
        if (batch.endOffset >= end) consumer.pause([{ topic, partition }]);
        if (this.#isFull || signal.aborted || (await this.#isThrough(ends))) break;
      }
    } finally {
      endWatch();
      signal.removeEventListener("abort", close);
    }
  }

  /** Partitions may be done by another redrive of the same topic: what is stored says so. */
  #watch(ends: ReadonlyMap<number, bigint>, onThrough: () => void): () => void {
    let timer: Timer | undefined;
    let isOver = false;
    const look = (): void => {
      if (isOver) return;
      timer = machineTimers.after(LOOK_MS, () => {
        this.#isThrough(ends).then(
          (isThrough) => (isThrough ? onThrough() : look()),
          // Nobody answered; the next look asks again.
          look,
        );
      });
    };
    look();
    return () => {
      isOver = true;
      timer?.cancel();
    };
  }

  get #isFull(): boolean {
    return this.#seenCount >= this.#options.max;
  }

  /** Resolves to the offset after the last record that was sent back. */
  async #sendBack(producer: Producer, chunk: readonly ConsumedRecord[]): Promise<bigint> {
    const { max, onProgress } = this.#options;
    let done = 0n;
    const sends: Promise<unknown>[] = [];
    for (const record of chunk.slice(0, max - this.#seenCount)) {
      done = record.offset + 1n;
      const letter = this.#note(record);
      if (letter === undefined) continue;
      const { keyBytes: key, valueBytes: value, timestamp } = record;
      const headers = originalHeaders(record.headers);
      const { topic, partition } = letter;
      sends.push(producer.send({ topic, partition, key, value, headers, timestamp }));
    }
    await Promise.all(sends);
    onProgress(this.#seenCount, this.#waiting);
    return done;
  }

  #note(record: ConsumedRecord): ReturnType<typeof readDeadLetter> {
    const letter = readDeadLetter(record.headers);
    this.#seenCount++;
    if (letter === undefined) this.skippedCount++;
    else this.counts.set(letter.topic, (this.counts.get(letter.topic) ?? 0) + 1);
    return letter;
  }

  async #isThrough(ends: ReadonlyMap<number, bigint>): Promise<boolean> {
    const { topic, signal } = this.#options;
    const redriven = await redrivenOffsets(this.#client, topic, signal);
    return [...ends].every(
      ([partition, end]) => end === 0n || (redriven.get(partition) ?? 0n) >= end,
    );
  }
}

/** A batch's records before an offset, some at a time. */
function* chunksOf(batch: ConsumedBatch, end: bigint): Iterable<readonly ConsumedRecord[]> {
  let chunk: ConsumedRecord[] = [];
  for (const record of batch) {
    if (record.offset >= end) break;
    chunk.push(record);
    if (chunk.length < CHUNK_RECORDS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
