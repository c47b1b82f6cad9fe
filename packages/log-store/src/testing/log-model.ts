import { crc32c } from "@stratalog/record-batch";
import type { Frame } from "../core/frame.ts";
import type { StoredHardState } from "../core/hard-state.ts";
import type { GroupLog } from "../io/group-log.ts";
import type { GroupWrite } from "../io/log-store.ts";

/** One group after one write. */
interface GroupSnapshot {
  /** Index of the first frame in `frames`. */
  readonly baseIndex: number;
  readonly frames: readonly string[];
  readonly nextOffset: number;
  readonly hardState: StoredHardState;
}

type Snapshot = ReadonlyMap<number, GroupSnapshot>;

/**
 * What a crash at one moment may leave: the state after any write from the last acknowledged one
 * on.
 */
export interface Expectation {
  readonly acknowledged: number;
  readonly issued: number;
  /** Groups that must be there, whatever else is. */
  readonly groups: readonly number[];
  /** Highest index per group that the log was allowed to drop. */
  readonly droppable: ReadonlyMap<number, number>;
}

const EMPTY: GroupSnapshot = {
  baseIndex: 1,
  frames: [],
  nextOffset: 0,
  hardState: { term: 0, vote: 0, commit: 0 },
};

function identify(frame: Frame): string {
  return `${frame.term}/${frame.kind}/${frame.baseOffset}+${frame.span}/${crc32c(frame.payload)}`;
}

/**
 * The naive twin of a log store: every state that it ever had, by the number of the write that made
 * it.
 */
export class LogModel {
  readonly #history: Snapshot[] = [new Map()];
  readonly #droppable = new Map<number, number>();
  readonly #present = new Set<number>();
  #acknowledged = 0;

  get issued(): number {
    return this.#history.length - 1;
  }
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Takes a write; gives its number. */
  write(writes: readonly GroupWrite[]): number {
    const next = new Map(this.#latest);
    for (const change of writes) {
      next.set(change.group, applied(next.get(change.group) ?? EMPTY, change));
    }
    this.#history.push(next);
    return this.issued;
  }

  durable(write: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, write);
  }

  created(group: number): void {
    this.#present.add(group);
  }

  /**
   * A drop was asked for: from now on the group may be gone, and its history does not count any
   * more.
   */
  dropping(group: number): void {
    this.#present.delete(group);
    const next = new Map(this.#latest);
    next.delete(group);
    this.#history.push(next);
  }

  droppable(group: number, index: number): void {
    this.#droppable.set(group, Math.max(index, this.#droppable.get(group) ?? 0));
  }

  expectation(): Expectation {
    return {
      acknowledged: this.#acknowledged,
      issued: this.issued,
      groups: [...this.#present],
      droppable: new Map(this.#droppable),
    };
  }

  get #latest(): Snapshot {
    return this.#history.at(-1) ?? new Map();
  }

  /**
   * Checks recovered logs against an expectation: all groups must be as they were after one and the
   * same write, not before the last acknowledged one. Gives that write's number, or says what is
   * wrong.
   */
  async match(
    expectation: Expectation,
    log: (group: number) => GroupLog | undefined,
  ): Promise<number | string> {
    const recovered = new Map<number, RecoveredLog>();
    for (const group of expectation.groups) {
      const found = log(group);
      if (found === undefined) return `group ${group} is missing`;
      const read = await readLog(found);
      if (typeof read === "string") return `group ${group}: ${read}`;
      const floor = (expectation.droppable.get(group) ?? 0) + 1;
      const base = this.#history[expectation.issued]?.get(group)?.baseIndex ?? 1;
      if (read.firstIndex > Math.max(floor, base)) {
        return `group ${group} begins at ${read.firstIndex}, dropped were those below ${floor}`;
      }
      recovered.set(group, read);
    }
    let reason = "";
    for (let write = expectation.issued; write >= expectation.acknowledged; write--) {
      reason = this.#difference(write, recovered) ?? "";
      if (reason === "") return write;
    }
    return `no write from ${expectation.acknowledged} to ${expectation.issued} fits: ${reason}`;
  }

  #difference(write: number, recovered: ReadonlyMap<number, RecoveredLog>): string | undefined {
    for (const [group, log] of recovered) {
      const snapshot = this.#history[write]?.get(group) ?? EMPTY;
      const difference = differenceOf(snapshot, log);
      if (difference !== undefined) return `write ${write}, group ${group}: ${difference}`;
    }
    return undefined;
  }
}

function applied(before: GroupSnapshot, change: GroupWrite): GroupSnapshot {
  let { baseIndex, nextOffset, hardState } = before;
  let frames = [...before.frames];
  if (change.reset !== undefined) {
    baseIndex = change.reset.index + 1;
    frames = [];
    nextOffset = change.reset.nextOffset;
  }
  if (change.truncateFrom !== undefined) {
    frames.length = Math.min(frames.length, Math.max(0, change.truncateFrom - baseIndex));
  }
  for (const frame of change.frames) {
    frames.push(identify(frame));
    nextOffset = frame.baseOffset + frame.span;
  }
  if (change.hardState !== undefined) hardState = change.hardState;
  return { baseIndex, frames, nextOffset, hardState };
}

interface RecoveredLog {
  readonly firstIndex: number;
  readonly frames: readonly string[];
  readonly nextOffset: number;
  readonly hardState: StoredHardState;
}

/** Reads a log from end to end, as a follower's catch-up would. */
async function readLog(log: GroupLog): Promise<RecoveredLog | string> {
  const frames: string[] = [];
  const { firstIndex, lastIndex, nextOffset, hardState } = log;
  for (let index = firstIndex; index <= lastIndex; ) {
    const read = await log.fetchFrames(index, lastIndex + 1, 700);
    if (read === "compacted") return `index ${index} is compacted`;
    if (read.length === 0) return `nothing at index ${index}`;
    for (const frame of read) {
      if (frame.index !== index) return `frame ${frame.index} at ${index}`;
      if (log.term(index) !== frame.term) return `term ${log.term(index)} at ${index}`;
      frames.push(identify(frame));
      index++;
    }
  }
  return { firstIndex, frames, nextOffset, hardState };
}

function differenceOf(expected: GroupSnapshot, log: RecoveredLog): string | undefined {
  const lastIndex = expected.baseIndex + expected.frames.length - 1;
  const recoveredLast = log.firstIndex + log.frames.length - 1;
  if (lastIndex !== recoveredLast) return `ends at ${recoveredLast}, not ${lastIndex}`;
  if (log.nextOffset !== expected.nextOffset) return `next offset ${log.nextOffset}`;
  for (const key of ["term", "vote", "commit"] as const) {
    if (log.hardState[key] !== expected.hardState[key]) {
      return `${key} ${log.hardState[key]}, not ${expected.hardState[key]}`;
    }
  }
  for (const [at, frame] of log.frames.entries()) {
    const wanted = expected.frames[log.firstIndex + at - expected.baseIndex];
    if (wanted !== frame) return `frame ${log.firstIndex + at} is ${frame}, not ${wanted}`;
  }
  return undefined;
}
