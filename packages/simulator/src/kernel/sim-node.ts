import type { Clock, Random, Timer, Timers } from "@stratalog/base";
import type { SimKernel } from "./sim-kernel.ts";

/** What a simulated machine is doing. */
export type SimNodeState = "running" | "paused" | "down";

/**
 * One machine's process in a simulation: gives its code time, timers and randomness, and takes them
 * away. A crash ends everything that was scheduled; a pause holds it back, and a resume runs it in
 * order, as a stopped process that is continued finds its timers due and its sockets full.
 */
export class SimNode {
  readonly id: number;
  readonly kernel: SimKernel;
  readonly timers: Timers;
  readonly clock: Clock;
  #random: Random;
  #state: SimNodeState = "down";
  #life = 0;
  #held: (() => void)[] = [];

  constructor(kernel: SimKernel, id: number) {
    this.kernel = kernel;
    this.id = id;
    this.clock = kernel;
    this.timers = {
      after: (delayMs, task) => this.#after(delayMs, task),
      endOfTurn: (task) => this.schedule(0, task),
    };
    this.#random = kernel.random.fork(`node ${id}`);
  }

  get state(): SimNodeState {
    return this.#state;
  }

  /** Number of the process's life; grows with each boot. */
  get life(): number {
    return this.#life;
  }

  /** Randomness of this life. */
  get random(): Random {
    return this.#random;
  }

  /** A new process begins. */
  boot(): void {
    this.#life++;
    this.#state = "running";
    this.#held = [];
    this.#random = this.kernel.random.fork(`node ${this.id} life ${this.#life}`);
  }

  /** The process ends: nothing that it scheduled runs. */
  crash(): void {
    this.#state = "down";
    this.#held = [];
  }

  /** The process stands still; what falls due waits. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  /** The process goes on, with everything that fell due meanwhile, in order. */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const held = this.#held;
    this.#held = [];
    for (const run of held) this.#scheduleHere(0, run, "first");
  }

  /** Runs `task` in this life of the process, `delayMs` from now. */
  schedule(delayMs: number, task: () => void): void {
    this.#scheduleHere(delayMs, task, "drawn");
  }

  /** Runs `task` in this instant, or when the process goes on: input that has arrived. */
  scheduleNow(task: () => void): void {
    if (this.#state === "paused") this.#held.push(task);
    else if (this.#state === "running") task();
  }

  #scheduleHere(delayMs: number, task: () => void, order: "first" | "drawn"): void {
    const life = this.#life;
    const run = (): void => {
      if (this.#life !== life || this.#state === "down") return;
      if (this.#state === "paused") this.#held.push(task);
      else task();
    };
    this.kernel.schedule(delayMs, run, { order });
  }

  #after(delayMs: number, task: () => void): Timer {
    let isCancelled = false;
    this.schedule(delayMs, () => {
      if (!isCancelled) task();
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  }
}
