import { setTimeout as delay } from "node:timers/promises";
import { type Deferred, deferred } from "@stratalog/base";
import { CodedError, type Producer, type Stratalog } from "@stratalog/client";

/** A record that was acknowledged: what no cut may lose. */
export interface Acknowledged {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly value: string;
}

/** What a lane sends to. */
export interface LaneTarget {
  readonly topic: string;
  /** Undefined: by the hash of the key. */
  readonly partition?: number;
  /** Records on their way at one time. */
  readonly window: number;
}

const FILLER = "power cut ".repeat(200);
const VALUE_BYTES_MIN = 60;
const VALUE_BYTES_SPREAD = 1_700;

/**
 * Sends without a pause and keeps what was acknowledged, in memory that no cut reaches. A send that
 * fails for good is counted and not repeated: the record may or may not be there.
 */
export class Lane {
  readonly acknowledged: Acknowledged[] = [];
  readonly failures = new Map<string, number>();
  readonly #producer: Producer;
  readonly #target: LaneTarget;
  readonly #name: string;
  readonly #workers: readonly Promise<void>[];
  #isRunning = true;
  #paused: Deferred<void> | undefined;
  #sequence = 0;

  constructor(client: Stratalog, target: LaneTarget) {
    this.#producer = client.producer({ maxBatchBytes: 32 * 1024 });
    this.#target = target;
    this.#name = `${target.topic}.${target.partition ?? "any"}`;
    this.#workers = Array.from({ length: target.window }, () => this.#work());
  }

  /** Begins no more sends until `resume`; those on their way stay on their way. */
  pause(): void {
    this.#paused ??= deferred();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  /** Sends nothing more and waits for what is on its way. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.resume();
    await Promise.all(this.#workers);
    await this.#producer.close();
  }

  async #work(): Promise<void> {
    const { topic, partition } = this.#target;
    while (this.#isRunning) {
      if (this.#paused !== undefined) await this.#paused.promise;
      const value = valueOf(this.#name, this.#sequence++);
      try {
        const place = partition === undefined ? { topic } : { topic, partition };
        const sent = await this.#producer.send({ ...place, key: keyOf(value), value });
        this.acknowledged.push({ topic, partition: sent.partition, offset: sent.offset, value });
      } catch (error) {
        const { code } = CodedError.from(error);
        this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
        await delay(20);
      }
    }
  }
}

/** A value that says who sent it, and whose length and bytes follow from that. */
function valueOf(lane: string, sequence: number): string {
  const fillerBytes = VALUE_BYTES_MIN + ((sequence * 7919) % VALUE_BYTES_SPREAD);
  return `${lane} ${sequence} ${FILLER.slice(0, fillerBytes)}`;
}

/** Whether a value is one that a lane sent, whole. */
export function isWhole(value: string): boolean {
  const [lane, sequence] = value.split(" ", 2);
  return lane !== undefined && value === valueOf(lane, Number(sequence));
}

function keyOf(value: string): string {
  return value.slice(0, value.indexOf(" ", value.indexOf(" ") + 1));
}
