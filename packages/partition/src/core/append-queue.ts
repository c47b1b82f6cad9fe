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
  /** Those before it are committed. */
  #head = 0;
  #bytes = 0;
  /** Where `acknowledge` and `durable` stopped: those before have been told. */
  #acknowledgedAt = 0;
  #durableAt = 0;

  get count(): number {
    return this.#appends.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest proposal was made. */
  get oldestProposedAtMs(): number | undefined {
    return this.#appends[this.#head]?.proposedAtMs;
  }

  /** Whether this broker's disk has the oldest proposal. */
  get isOldestDurable(): boolean {
    return this.#durableAt > this.#head;
  }

  push(append: PendingAppend): void {
    const last = this.#appends.at(-1);
    assert(last === undefined || last.index < append.index, `append at ${append.index}`);
    this.#appends.push(append);
    this.#bytes += append.sizeBytes;
  }

  /**
   * The proposal that stores its records from `baseOffset` on, and whether it is on a majority's
   * disks already.
   */
  find(
    baseOffset: number,
  ): { readonly append: PendingAppend; readonly isAcknowledged: boolean } | undefined {
    let low = this.#head;
    let high = this.#appends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const append = this.#appends[middle];
      if (append !== undefined && append.baseOffset < baseOffset) low = middle + 1;
      else high = middle;
    }
    const append = this.#appends[low];
    if (append?.baseOffset !== baseOffset) return undefined;
    return { append, isAcknowledged: low < this.#acknowledgedAt };
  }

  /**
   * The entry at `index` is committed, with `term`. A proposal of another term there was replaced
   * by a later leader's entry:
   * it is lost.
   */
  commit(index: number, term: number): void {
    for (let at = this.#head; at < this.#appends.length; at++) {
      const append = this.#appends[at] as PendingAppend;
      if (append.index > index) break;
      this.#head = at + 1;
      this.#bytes -= append.sizeBytes;
      settle(append, append.index === index && append.term === term ? "stored" : "lost");
    }
    this.#acknowledgedAt = Math.max(this.#acknowledgedAt, this.#head);
    this.#durableAt = Math.max(this.#durableAt, this.#head);
    if (this.#head * 2 >= this.#appends.length) this.#compact();
  }

  /** Half of it or more is committed: so an append is moved once on average, not at each commit. */
  #compact(): void {
    this.#appends = this.#appends.slice(this.#head);
    this.#acknowledgedAt -= this.#head;
    this.#durableAt -= this.#head;
    this.#head = 0;
  }

  /**
   * Everything up to `index` is on a majority's disks, as this leader of `term` proposed it: all
   * who wait are told. The appends stay until `commit`, so that retries still find them.
   */
  acknowledge(index: number, term: number): void {
    for (let at = this.#acknowledgedAt; at < this.#appends.length; at++) {
      const append = this.#appends[at] as PendingAppend;
      if (append.index > index || append.term !== term) return;
      this.#acknowledgedAt = at + 1;
      settle(append, "stored");
    }
  }

  /** This broker's disk has everything up to `index`: those who asked for no more are told. */
  durable(index: number): void {
    for (let at = this.#durableAt; at < this.#appends.length; at++) {
      const append = this.#appends[at] as PendingAppend;
      if (append.index > index) return;
      this.#durableAt = at + 1;
      for (const waiter of append.waiters) {
        if (waiter.acks !== "leader") continue;
        append.waiters.delete(waiter);
        waiter.onStored(append);
      }
    }
  }

  /** Leadership ended: whether these are stored is not known. */
  loseAll(): void {
    const lost = this.#appends.slice(this.#head);
    this.#appends = [];
    this.#head = 0;
    this.#acknowledgedAt = 0;
    this.#durableAt = 0;
    this.#bytes = 0;
    for (const append of lost) settle(append, "lost");
  }
}

function settle(append: PendingAppend, outcome: "stored" | "lost"): void {
  if (append.waiters.size === 0) return;
  const waiters = [...append.waiters];
  append.waiters.clear();
  for (const waiter of waiters) {
    if (outcome === "stored") waiter.onStored(append);
    else waiter.onLost(append);
  }
}
