import type { Clock, Timer, Timers } from "@stratalog/base";

interface Entry<K> {
  readonly key: K;
  readonly atMs: number;
}

interface Scheduled {
  dueMs: number;
  /** When the one heap entry that counts for the key comes up; never after `dueMs`. */
  entryMs: number;
}

/** A timer that comes this much too late says that the whole process stood still. */
const STALL_MS = 1_000;
/** What was sent during a stall is read within this. */
const STALL_GRACE_MS = 5_000;

/**
 * Many deadlines behind one timer. Moving a deadline back, which every sign of life does, changes a
 * number and not the heap: the entry comes up at its old time and is put back.
 *
 * A process that stood still (stopped, swapped out, its event loop blocked) could hear nobody. What
 * then seems due is given a little longer, so that signs of life that wait to be read count.
 */
export class Deadlines<K> {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onDue: (key: K) => void;
  readonly #scheduled = new Map<K, Scheduled>();
  #heap: Entry<K>[] = [];
  #timer: Timer | undefined;
  #timerMs = Number.POSITIVE_INFINITY;

  /** `onDue` is called once per deadline, which is forgotten first. */
  constructor(options: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly onDue: (key: K) => void;
  }) {
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#onDue = options.onDue;
  }

  get size(): number {
    return this.#scheduled.size;
  }

  has(key: K): boolean {
    return this.#scheduled.has(key);
  }

  /** Sets or moves a key's deadline to `delayMs` from now. */
  set(key: K, delayMs: number): void {
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const known = this.#scheduled.get(key);
    if (known !== undefined && dueMs >= known.entryMs) {
      known.dueMs = dueMs;
      return;
    }
    this.#scheduled.set(key, { dueMs, entryMs: dueMs });
    this.#push({ key, atMs: dueMs });
    this.#arm();
  }

  delete(key: K): void {
    this.#scheduled.delete(key);
  }

  clear(): void {
    this.#scheduled.clear();
    this.#heap = [];
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.atMs >= this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = first.atMs;
    const delayMs = Math.max(0, first.atMs - this.#clock.monotonicMs());
    this.#timer = this.#timers.after(delayMs, () => this.#run());
  }

  #run(): void {
    const nowMs = this.#clock.monotonicMs();
    const isStalled = nowMs - this.#timerMs > STALL_MS;
    this.#timer = undefined;
    this.#timerMs = Number.POSITIVE_INFINITY;
    const due: K[] = [];
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.atMs > nowMs) break;
      this.#pop();
      const scheduled = this.#scheduled.get(first.key);
      // Deleted, or another entry counts for the key.
      if (scheduled === undefined || scheduled.entryMs !== first.atMs) continue;
      if (isStalled) scheduled.dueMs = Math.max(scheduled.dueMs, nowMs + STALL_GRACE_MS);
      if (scheduled.dueMs > nowMs) {
        scheduled.entryMs = scheduled.dueMs;
        this.#push({ key: first.key, atMs: scheduled.dueMs });
      } else {
        this.#scheduled.delete(first.key);
        due.push(first.key);
      }
    }
    this.#arm();
    for (const key of due) this.#onDue(key);
  }

  #push(entry: Entry<K>): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfLater(parent, index)) return;
      index = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const child = this.#timeAt(right) < this.#timeAt(left) ? right : left;
      if (child >= heap.length || !this.#swapIfLater(index, child)) return;
      index = child;
    }
  }

  #timeAt(index: number): number {
    return this.#heap[index]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  #swapIfLater(parent: number, child: number): boolean {
    const [above, below] = [this.#heap[parent], this.#heap[child]];
    if (above === undefined || below === undefined || above.atMs <= below.atMs) return false;
    this.#heap[parent] = below;
    this.#heap[child] = above;
    return true;
  }
}
