import { assert } from "@stratalog/base";
import type { Work, WorkWindow } from "./work-window.ts";

/**
 * Which works of all partitions are to be started now: those that are ready, oldest first, at most
 * `concurrency` at a time.
 */
export class WorkScheduler<Item> {
  readonly #concurrency: number;
  #ready: Work<Item>[] = [];
  #head = 0;
  readonly #running = new Set<Work<Item>>();

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** The works that run. */
  get running(): ReadonlySet<Work<Item>> {
    return this.#running;
  }

  /** A work is ready. */
  offer(work: Work<Item> | undefined): void {
    if (work?.state === "ready") this.#ready.push(work);
  }

  /** Starts the next work; undefined when none may be started now. */
  next(): Work<Item> | undefined {
    if (this.#running.size >= this.#concurrency) return undefined;
    const work = this.#takeReady();
    if (work === undefined) return undefined;
    work.window.start(work);
    this.#running.add(work);
    return work;
  }

  /** A work is done: who waited for it is ready. */
  finish(work: Work<Item>): void {
    this.#leave(work);
    this.offer(work.window.finish(work));
  }

  /** A work waits for a while and makes room; it keeps its place in its lane. */
  suspend(work: Work<Item>): void {
    this.#leave(work);
    work.state = "suspended";
  }

  /** It has waited long enough. */
  resume(work: Work<Item>): void {
    if (work.state !== "suspended") return;
    work.state = "ready";
    this.offer(work);
  }

  /** A work ended without being done, and nothing waits for it any more: its partition is gone. */
  discard(work: Work<Item>): void {
    this.#leave(work);
    work.state = "suspended";
    work.window.abandon();
  }

  /** Starts nothing more of a window until `unpause`. */
  pause(window: WorkWindow<Item>): void {
    window.isPaused = true;
  }

  unpause(window: WorkWindow<Item>): void {
    window.isPaused = false;
    for (const work of window.held.splice(0)) this.offer(work);
  }

  #leave(work: Work<Item>): void {
    const wasRunning = this.#running.delete(work);
    assert(wasRunning, "a work ended that did not run");
  }

  /** The next ready work whose window is not paused; forgets what was dropped. */
  #takeReady(): Work<Item> | undefined {
    for (;;) {
      const work = this.#ready[this.#head];
      if (work === undefined) return undefined;
      this.#head++;
      if (this.#head * 2 >= this.#ready.length) {
        this.#ready = this.#ready.slice(this.#head);
        this.#head = 0;
      }
      if (work.state !== "ready") continue;
      if (!work.window.isPaused) return work;
      work.window.held.push(work);
    }
  }
}
