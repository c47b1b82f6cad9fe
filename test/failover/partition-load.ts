import type { Producer, Stratalog } from "@stratalog/client";

/** How much is sent. */
export interface PartitionLoadOptions {
  readonly topic: string;
  readonly partitionCount: number;
  /** Pause between two records of one partition. */
  readonly intervalMs: number;
  readonly valueBytes: number;
}

/** Records of one partition that are not answered yet; beyond it the load leaves some out. */
const IN_FLIGHT_MAX = 200;

/** What one partition's acknowledgements say. */
interface PartitionAcks {
  inFlight: number;
  lastMs: number;
  longestGapMs: number;
  /** When the latest acknowledged record was sent. */
  sentMs: number;
}

/**
 * One producer that sends to every partition at a steady pace, and knows for each partition how
 * long nothing was acknowledged.
 */
export class PartitionLoad {
  readonly #options: PartitionLoadOptions;
  readonly #producer: Producer;
  readonly #value: Uint8Array;
  readonly #acks: readonly PartitionAcks[];
  readonly #timer: NodeJS.Timeout;
  #ackedCount = 0;
  #failure: unknown;

  constructor(client: Stratalog, options: PartitionLoadOptions) {
    this.#options = options;
    this.#producer = client.producer();
    this.#value = new Uint8Array(options.valueBytes).fill(7);
    const startMs = performance.now();
    this.#acks = Array.from({ length: options.partitionCount }, () => {
      return { inFlight: 0, lastMs: startMs, longestGapMs: 0, sentMs: 0 };
    });
    this.#timer = setInterval(() => this.#send(), options.intervalMs);
  }

  /** Acknowledged so far. */
  get ackedCount(): number {
    return this.#ackedCount;
  }

  /** Forgets the gaps until now. */
  beginRound(): void {
    for (const acks of this.#acks) acks.longestGapMs = 0;
  }

  /** By partition: longest time without an acknowledgement since the round began. */
  gapsMs(): readonly number[] {
    const nowMs = performance.now();
    return this.#acks.map(({ longestGapMs, lastMs }) => Math.max(longestGapMs, nowMs - lastMs));
  }

  /** Whether each partition acknowledged a record that was sent after `sinceMs`. */
  goesOnSince(sinceMs: number): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#acks.every(({ sentMs }) => sentMs > sinceMs);
  }

  /** Sends nothing more and waits for what is on its way. Rejects with the first lost record. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#producer.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #send(): void {
    const { topic } = this.#options;
    for (const [partition, acks] of this.#acks.entries()) {
      if (acks.inFlight >= IN_FLIGHT_MAX) continue;
      acks.inFlight++;
      const sentMs = performance.now();
      this.#producer.send({ topic, partition, value: this.#value }).then(
        () => this.#take(acks, sentMs),
        (error: unknown) => {
          this.#failure ??= error;
        },
      );
    }
  }

  #take(acks: PartitionAcks, sentMs: number): void {
    const nowMs = performance.now();
    acks.longestGapMs = Math.max(acks.longestGapMs, nowMs - acks.lastMs);
    acks.lastMs = nowMs;
    acks.sentMs = Math.max(acks.sentMs, sentMs);
    acks.inFlight--;
    this.#ackedCount++;
  }
}
