import { assert } from "@stratalog/base";

/** Which records of a partition wait for which: for all before, for those of their key, for none. */
export type WorkOrder = "partition" | "key" | "none";

/** One record that was taken from its partition, until it is done. */
export interface Work<Item> {
  readonly window: WorkWindow<Item>;
  readonly offset: number;
  readonly item: Item;
  /** Works of one lane are done one after the other; undefined waits for nobody. */
  readonly lane: string | undefined;
  /** The next one of its lane. */
  follower: Work<Item> | undefined;
  /** Offset to go on at when this one and all before it are done. */
  nextOffset: number;
  state: "waiting" | "ready" | "running" | "suspended" | "done" | "dropped";
}

const WHOLE_PARTITION = "";

/**
 * The records of one partition that were taken and that are not all done. Says which may be
 * started, and up to where all are done.
 *
 * Invariants: `doneTo` never passes a record that is not done; at most one work of a lane is ready,
 * running or suspended; from the oldest that is not done on, at most `limit` works are kept.
 */
export class WorkWindow<Item> {
  readonly #order: WorkOrder;
  readonly #limit: number;
  readonly #onDropped: ((item: Item) => void) | undefined;
  readonly #lanes = new Map<string, Work<Item>>();
  #works: Work<Item>[] = [];
  #head = 0;
  #doneTo: number;
  #takenTo: number;
  #startedTo: number;
  #unfinished = 0;
  #isClosed = false;
  /** Whether nothing of it is to be started now. The scheduler's business. */
  isPaused = false;
  /** Ready works that are kept back while it is paused. */
  readonly held: Work<Item>[] = [];

  constructor(options: {
    readonly offset: number;
    readonly order: WorkOrder;
    readonly limit: number;
    /** A work was dropped: it is never done here. Called once for each. */
    readonly onDropped?: (item: Item) => void;
  }) {
    this.#order = options.order;
    this.#limit = options.limit;
    this.#onDropped = options.onDropped;
    this.#doneTo = options.offset;
    this.#takenTo = options.offset;
    this.#startedTo = options.offset;
  }

  /** Everything before it is done. */
  get doneTo(): number {
    return this.#doneTo;
  }

  /** Everything before it was taken; where to go on reading. */
  get takenTo(): number {
    return this.#takenTo;
  }

  /** Nothing from it on was ever started. */
  get startedTo(): number {
    return this.#startedTo;
  }

  /** Whether another work may be added. */
  get hasRoom(): boolean {
    return !this.#isClosed && this.#works.length - this.#head < this.#limit;
  }

  /** Whether every work is done or dropped. */
  get isIdle(): boolean {
    return this.#unfinished === 0;
  }

  /** Whether everything before an offset is done: it is the next, or before that. */
  isDoneUpTo(offset: number): boolean {
    const oldest = this.#works[this.#head];
    return offset <= (oldest?.offset ?? this.#takenTo);
  }

  /** Takes a record; its work is "ready" when it need not wait for another. */
  add(offset: number, key: string | undefined, item: Item): Work<Item> {
    assert(this.hasRoom, "a window takes no more than its limit");
    assert(offset >= this.#takenTo, `offset ${offset} was taken already`);
    const lane = this.#laneOf(key);
    const before = lane === undefined ? undefined : this.#lanes.get(lane);
    const work: Work<Item> = {
      window: this,
      offset,
      item,
      lane,
      follower: undefined,
      nextOffset: offset + 1,
      state: before === undefined ? "ready" : "waiting",
    };
    if (before !== undefined) before.follower = work;
    if (lane !== undefined) this.#lanes.set(lane, work);
    this.#works.push(work);
    this.#unfinished++;
    this.#takenTo = offset + 1;
    return work;
  }

  /** There is no record from the last one taken up to `offset`: a batch may end in a gap. */
  skipTo(offset: number): void {
    if (offset <= this.#takenTo) return;
    this.#takenTo = offset;
    const last = this.#works.at(-1);
    if (last === undefined || this.#head === this.#works.length) this.#doneTo = offset;
    else last.nextOffset = offset;
  }

  start(work: Work<Item>): void {
    assert(work.state === "ready", `a work that is ${work.state} was started`);
    work.state = "running";
    this.#startedTo = Math.max(this.#startedTo, work.offset + 1);
  }

  /** It is done; gives the work that waited for it and is ready now. */
  finish(work: Work<Item>): Work<Item> | undefined {
    assert(work.state === "running", `a work that is ${work.state} was finished`);
    work.state = "done";
    this.#unfinished--;
    this.#advance();
    const { follower, lane } = work;
    if (lane !== undefined && this.#lanes.get(lane) === work) this.#lanes.delete(lane);
    if (follower === undefined || follower.state !== "waiting") return undefined;
    follower.state = "ready";
    return follower;
  }

  /**
   * Takes no more. Drops what comes after the last one that was started; what lies before that is
   * still to be done, so that what is done beyond a gap need not be done again.
   */
  close(): void {
    this.#isClosed = true;
    this.#drop((work) => work.offset >= this.#startedTo);
  }

  /** Takes no more, and drops all that does not run. */
  abandon(): void {
    this.#isClosed = true;
    this.#drop((work) => work.state !== "running");
  }

  #drop(isDropped: (work: Work<Item>) => boolean): void {
    for (const work of this.#works.slice(this.#head)) {
      const isOpen = work.state !== "done" && work.state !== "dropped";
      if (!isOpen || work.state === "running" || !isDropped(work)) continue;
      work.state = "dropped";
      this.#unfinished--;
      this.#onDropped?.(work.item);
    }
  }

  #laneOf(key: string | undefined): string | undefined {
    if (this.#order === "partition") return WHOLE_PARTITION;
    return this.#order === "key" ? key : undefined;
  }

  #advance(): void {
    for (;;) {
      const oldest = this.#works[this.#head];
      if (oldest?.state !== "done") break;
      this.#doneTo = oldest.nextOffset;
      this.#head++;
    }
    // Cut rarely: a cut costs what is left.
    if (this.#head * 2 < this.#works.length || this.#head === 0) return;
    this.#works = this.#works.slice(this.#head);
    this.#head = 0;
  }
}
