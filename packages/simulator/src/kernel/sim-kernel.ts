import { type Clock, type Random, SeededRandom } from "@stratalog/base";
import { settle } from "@stratalog/base/testing";
import { EventHeap } from "./event-heap.ts";
import { Trace } from "./trace.ts";

/** How an event is scheduled. */
export interface ScheduleOptions {
  /** first: before everything else of its instant, in the order of scheduling; default: drawn. */
  readonly order?: "first" | "drawn";
  /** Appears in the trace. */
  readonly label?: string;
}

const TIE_RANGE = 0x1_0000_0000;

/**
 * One run of a simulated world: virtual time, and events in an order that the seed alone decides.
 * Between two events every promise that can settle does so; code under test may await whatever is
 * resolved by events.
 */
export class SimKernel implements Clock {
  readonly seed: number;
  readonly random: Random;
  readonly trace = new Trace();
  readonly #ties: Random;
  readonly #events = new EventHeap();
  #nowMs = 0;
  #sequence = 0;
  #eventCount = 0;
  /** Called after every event; throws when something does not hold. */
  onEvent: (() => void) | undefined;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new SeededRandom(seed);
    this.#ties = this.random.fork("ties");
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + Math.floor(this.#nowMs);
  }

  /** Events that have run. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Runs `task` `delayMs` (≥ 0) from now. */
  schedule(delayMs: number, task: () => void, options: ScheduleOptions = {}): void {
    this.#events.push({
      timeMs: this.#nowMs + Math.max(0, delayMs),
      tieBreak: options.order === "first" ? -1 : this.#ties.below(TIE_RANGE),
      sequence: this.#sequence++,
      label: options.label ?? "",
      run: task,
    });
  }

  /** A line of the trace, with the time. */
  note(line: string): void {
    this.trace.add(`${this.#nowMs.toFixed(3)} ${line}`);
  }

  /** Runs the next event; false when there is none. */
  async step(): Promise<boolean> {
    if (!this.#runNext()) return false;
    await settle();
    this.onEvent?.();
    return true;
  }

  #runNext(): boolean {
    const event = this.#events.pop();
    if (event === undefined) return false;
    this.#nowMs = event.timeMs;
    this.#eventCount++;
    if (event.label !== "") this.note(event.label);
    event.run();
    return true;
  }

  /**
   * Runs events until `durationMs` have passed, or the condition holds; answers whether it does.
   */
  async run(durationMs: number, isDone: () => boolean = () => false): Promise<boolean> {
    let isOver = false;
    this.schedule(durationMs, () => {
      isOver = true;
    });
    while (!isDone()) {
      if (isOver || !(await this.step())) return isDone();
    }
    return true;
  }

  /** The same for a world in which nothing awaits a promise; many times as fast. */
  runSynchronously(durationMs: number, isDone: () => boolean = () => false): boolean {
    let isOver = false;
    this.schedule(durationMs, () => {
      isOver = true;
    });
    while (!isDone()) {
      if (isOver || !this.#runNext()) return isDone();
      this.onEvent?.();
    }
    return true;
  }
}
