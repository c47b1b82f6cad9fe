import type { Clock } from "@stratalog/base";
import type { ReplayRange } from "../../core/replay-plan.ts";

/** How far a replay is in one partition. */
export interface PartitionProgress {
  readonly partition: number;
  /** Offset of the first record. */
  readonly start: bigint;
  /** Offset of the next record that the reader gets, at the latest. */
  readonly position: bigint;
  /** Offset at which the replay ends here. */
  readonly end: bigint;
}

/** How far a replay is. */
export interface ReplayProgress {
  /** Records that the reader is through with, those that `keys` left out included. */
  readonly done: bigint;
  /** Records in all, fixed when the replay begins. */
  readonly total: bigint;
  /** From 0 to 1; 1 for nothing to do. */
  readonly fraction: number;
  readonly partitions: readonly PartitionProgress[];
}

const INTERVAL_MS = 1_000;

/** Counts what a reader is through with, and tells it from time to time. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #tell: ((progress: ReplayProgress) => void) | undefined;
  readonly #ranges = new Map<number, ReplayRange>();
  readonly #positions = new Map<number, number>();
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    readonly clock: Clock;
    readonly intervalMs: number | undefined;
    readonly tell: ((progress: ReplayProgress) => void) | undefined;
  }) {
    this.#clock = options.clock;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    this.#tell = options.tell;
  }

  begin(ranges: readonly ReplayRange[]): void {
    for (const range of ranges) this.#ranges.set(range.partition, range);
    this.#report();
  }

  /** The reader is through with everything below `position`. */
  pass(partition: number, position: number): void {
    this.#positions.set(partition, position);
    if (this.#tell === undefined) return;
    if (this.#clock.monotonicMs() - this.#toldMs >= this.#intervalMs) this.#report();
  }

  /** Everything is read. */
  finish(): void {
    for (const { partition, end } of this.#ranges.values()) this.#positions.set(partition, end);
    this.#report();
  }

  progress(): ReplayProgress {
    let [done, total] = [0, 0];
    const partitions = [...this.#ranges.values()].map(({ partition, start, end }) => {
      const position = Math.min(this.#positions.get(partition) ?? start, end);
      done += position - start;
      total += end - start;
      return {
        partition,
        start: BigInt(start),
        position: BigInt(position),
        end: BigInt(end),
      };
    });
    const fraction = total === 0 ? 1 : done / total;
    return { done: BigInt(done), total: BigInt(total), fraction, partitions };
  }

  #report(): void {
    if (this.#tell === undefined) return;
    this.#toldMs = this.#clock.monotonicMs();
    this.#tell(this.progress());
  }
}
