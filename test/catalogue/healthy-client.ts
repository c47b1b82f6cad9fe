import { setTimeout as delay } from "node:timers/promises";
import { connect, type Producer, type Stratalog } from "@stratalog/client";

const PAUSE_MS = 5;

/** A client that does nothing wrong: it produces without an end, and nothing of it may fail. */
export class HealthyClient implements AsyncDisposable {
  readonly client: Stratalog;
  readonly #producer: Producer;
  readonly #working: Promise<void>;
  readonly #failures: unknown[] = [];
  #count = 0;
  #isRunning = true;

  constructor(address: string, topic: string) {
    this.client = connect({ brokers: [address], requestTimeoutMs: 10_000 });
    this.#producer = this.client.producer();
    this.#working = this.#work(topic);
  }

  /** Records that were acknowledged. */
  get count(): number {
    return this.#count;
  }

  get failures(): readonly unknown[] {
    return this.#failures;
  }

  /** Resolves once one more record is acknowledged; false when none is within five seconds. */
  async goesOn(): Promise<boolean> {
    const before = this.#count;
    const endMs = performance.now() + 5_000;
    while (this.#count <= before && performance.now() < endMs) await delay(PAUSE_MS);
    return this.#count > before;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#working;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.client.close();
  }

  async #work(topic: string): Promise<void> {
    while (this.#isRunning) {
      try {
        await this.#producer.send({ topic, key: "k", value: `healthy ${this.#count}` });
        this.#count++;
      } catch (error) {
        this.#failures.push(error);
      }
      await delay(PAUSE_MS);
    }
  }
}
