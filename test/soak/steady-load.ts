import { setTimeout as delay } from "node:timers/promises";
import { CodedError, type Consumer, type Producer, type Stratalog } from "@stratalog/client";

const TICK_MS = 20;
const UNANSWERED_MAX = 5_000;

/** What a load is made of. */
export interface SteadyLoadOptions {
  readonly topic: string;
  readonly group: string;
  readonly recordsPerSecond: number;
  readonly valueBytes: number;
  /** Records that are in the topic already; the member reads them too. */
  readonly presentCount: number;
}

/**
 * One producer at an even rate and one member of a group that reads everything. Counts, and keeps
 * nothing.
 */
export class SteadyLoad {
  readonly failures = new Map<string, number>();
  readonly #options: SteadyLoadOptions;
  readonly #producer: Producer;
  readonly #consumer: Consumer;
  readonly #reading: Promise<void>;
  readonly #sending: Promise<void>;
  #isRunning = true;
  #sentCount = 0;
  #acknowledgedCount = 0;
  #unansweredCount = 0;
  #readCount = 0;

  constructor(client: Stratalog, options: SteadyLoadOptions) {
    this.#options = options;
    this.#producer = client.producer();
    const { topic, group } = options;
    this.#consumer = client.consumer({ group, topics: [topic], fromBeginning: true });
    this.#reading = this.#read();
    this.#sending = this.#send();
  }

  get acknowledgedCount(): number {
    return this.#acknowledgedCount;
  }

  get readCount(): number {
    return this.#readCount;
  }

  /** Acknowledged and not read yet. */
  get lagRecords(): number {
    return Math.max(0, this.#options.presentCount + this.#acknowledgedCount - this.#readCount);
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#sending;
    await this.#producer.close();
    await this.#consumer.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const _ of this.#consumer) this.#readCount++;
  }

  async #send(): Promise<void> {
    const { recordsPerSecond } = this.#options;
    const startMs = performance.now();
    while (this.#isRunning) {
      await delay(TICK_MS);
      const due = ((performance.now() - startMs) / 1_000) * recordsPerSecond;
      // What the brokers do not keep up with is left out, not heaped up.
      if (this.#unansweredCount >= UNANSWERED_MAX) this.#sentCount = Math.floor(due);
      while (this.#sentCount < due && this.#unansweredCount < UNANSWERED_MAX) this.#sendOne();
    }
  }

  #sendOne(): void {
    const { topic, valueBytes } = this.#options;
    const sequence = this.#sentCount++;
    this.#unansweredCount++;
    const key = `key-${sequence % 1_000}`;
    const value = `${sequence} `.padEnd(valueBytes, "soak ");
    this.#producer.send({ topic, key, value }).then(
      () => {
        this.#unansweredCount--;
        this.#acknowledgedCount++;
      },
      (error: unknown) => {
        this.#unansweredCount--;
        const { code } = CodedError.from(error);
        this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
      },
    );
  }
}
