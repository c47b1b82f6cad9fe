import { setTimeout as delay } from "node:timers/promises";
import { CodedError, type Producer, type Stratalog } from "@stratalog/client";

/** Records that were acknowledged: what must never be lost. */
export interface Acknowledged {
  readonly partition: number;
  readonly offset: bigint;
  readonly value: string;
}

/** Records on their way at one time. */
const WINDOW = 64;

/**
 * Producers that send without a pause and write down what was acknowledged and when. A send that
 * fails for good is counted,
 * not retried: the record may or may not be there.
 */
export class AcknowledgedLoad {
  readonly acknowledged: Acknowledged[] = [];
  readonly failures = new Map<string, number>();
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #tag: string;
  #isRunning = true;
  #sequence = 0;
  #lastAckMs = performance.now();
  #longestGapMs = 0;
  readonly #workers: Promise<void>[];

  constructor(client: Stratalog, topic: string, tag = "r") {
    this.#producer = client.producer();
    this.#topic = topic;
    this.#tag = tag;
    this.#workers = Array.from({ length: WINDOW }, () => this.#work());
  }

  /** Longest time without any acknowledgement since the last call. */
  takeLongestGapMs(): number {
    const gapMs = Math.max(this.#longestGapMs, performance.now() - this.#lastAckMs);
    this.#longestGapMs = 0;
    return gapMs;
  }

  /** Waits until so many more records are acknowledged. */
  async more(count: number, withinMs = 20_000): Promise<void> {
    const target = this.acknowledged.length + count;
    const deadlineMs = performance.now() + withinMs;
    while (this.acknowledged.length < target) {
      if (performance.now() > deadlineMs) {
        const failures = JSON.stringify(Object.fromEntries(this.failures));
        const missing = target - this.acknowledged.length;
        throw new Error(
          `${missing} of ${count} records are missing after ${withinMs} ms ${failures}`,
        );
      }
      await delay(5);
    }
  }

  /** Sends nothing more and waits for what is on its way. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#workers);
    await this.#producer.close();
  }

  async #work(): Promise<void> {
    while (this.#isRunning) {
      const value = `${this.#tag}-${this.#sequence++}`;
      try {
        const { partition, offset } = await this.#producer.send({
          topic: this.#topic,
          key: value,
          value,
        });
        this.acknowledged.push({ partition, offset, value });
        const nowMs = performance.now();
        this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastAckMs);
        this.#lastAckMs = nowMs;
      } catch (error) {
        const { code } = CodedError.from(error);
        this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
        await delay(20);
      }
    }
  }
}

/** A topic's records by partition and offset, as a replay from the start to the end gives them. */
export async function replayAll(
  client: Stratalog,
  topic: string,
): Promise<ReadonlyMap<string, string>> {
  const records = new Map<string, string>();
  for await (const record of client.replay({ topic })) {
    records.set(`${record.partition}/${record.offset}`, record.text() ?? "");
  }
  return records;
}

/** What is acknowledged and not where it was said to be; empty when all is well. */
export function missing(
  acknowledged: readonly Acknowledged[],
  records: ReadonlyMap<string, string>,
): readonly string[] {
  return acknowledged
    .filter(({ partition, offset, value }) => records.get(`${partition}/${offset}`) !== value)
    .map(({ partition, offset, value }) => {
      const found = records.get(`${partition}/${offset}`);
      return `${value} at ${partition}/${offset}: found ${found}`;
    });
}

/** Values that are there more than once; a producer that is idempotent leaves none. */
export function doubled(records: ReadonlyMap<string, string>): readonly string[] {
  const seen = new Set<string>();
  return [...records.values()].filter((value) => {
    const isDouble = seen.has(value);
    seen.add(value);
    return isDouble;
  });
}
