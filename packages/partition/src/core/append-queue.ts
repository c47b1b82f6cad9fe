import { assert } from "@stratalog/base";

/** Who waits for a proposed batch, and for what: a majority's disks or this broker's own. */
export interface AppendWaiter {
  readonly acks: "all" | "leader";
  onStored(append: PendingAppend): void;
  onLost(append: PendingAppend): void;
}

/** A batch that this leader has proposed and not yet seen committed. */
export interface PendingAppend {
  readonly index: number;
  readonly term: number;
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly proposedAtMs: number;
  /** Several when retries arrive while the first attempt is in flight. */
  readonly waiters: Set<AppendWaiter>;
}

/**
 * The leader's proposals in the order of their index. Bounded by the bytes that the caller lets in.
 * Invariants: indexes and base offsets rise; `bytes` is the sum of the members' sizes.
 */
export class AppendQueue {
  #appends: PendingAppend[] = [];
  #bytes = 0;

  get count(): number {
    return this.#appends.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest proposal was made. */
  get oldestProposedAtMs(): number | undefined {
    return this.#appends[0]?.proposedAtMs;
  }

  push(append: PendingAppend): void {
    const last = this.#appends.at(-1);
    assert(last === undefined || last.index < append.index, `append at ${append.index}`);
    this.#appends.push(append);
    this.#bytes += append.sizeBytes;
  }

  /** The proposal that stores its records from `baseOffset` on. */
  find(baseOffset: number): PendingAppend | undefined {
    let low = 0;
    let high = this.#appends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const append = this.#appends[middle];
      if (append !== undefined && append.baseOffset < baseOffset) low = middle + 1;
      else high = middle;
    }
    const found = this.#appends[low];
    return found?.baseOffset === baseOffset ? found : undefined;
  }

  /**
   * The entry at `index` is committed, with `term`. A proposal of another term there was replaced
   * by a later leader's entry:
   * it is lost.
   */
  commit(index: number, term: number): void {
    let count = 0;
    for (const append of this.#appends) {
      if (append.index > index) break;
      count++;
      this.#bytes -= append.sizeBytes;
      settle(append, append.index === index && append.term === term ? "stored" : "lost");
    }
    if (count > 0) this.#appends.splice(0, count);
  }

  /**
   * Everything up to `index` is on a majority's disks, as this leader of `term` proposed it: all
   * who wait are told. The appends stay until `commit`, so that retries still find them.
   */
  acknowledge(index: number, term: number): void {
    for (const append of this.#appends) {
      if (append.index > index) return;
      if (append.term === term) settle(append, "stored");
    }
  }

  /** This broker's disk has everything up to `index`: those who asked for no more are told. */
  durable(index: number): void {
    for (const append of this.#appends) {
      if (append.index > index) break;
      for (const waiter of append.waiters) {
        if (waiter.acks !== "leader") continue;
        append.waiters.delete(waiter);
        waiter.onStored(append);
      }
    }
  }

  /** Leadership ended: whether these are stored is not known. */
  loseAll(): void {
    const lost = this.#appends;
    this.#appends = [];
    this.#bytes = 0;
    for (const append of lost) settle(append, "lost");
  }
}

function settle(append: PendingAppend, outcome: "stored" | "lost"): void {
  const waiters = [...append.waiters];
  append.waiters.clear();
  for (const waiter of waiters) {
    if (outcome === "stored") waiter.onStored(append);
    else waiter.onLost(append);
  }
}
