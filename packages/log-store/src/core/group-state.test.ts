import { groupNumber } from "@stratalog/base";
import { describe, expect, test } from "vitest";
import { dataFrame, nextPlace, plainFrame } from "../testing/frames.ts";
import type { GroupCheckpoint } from "./checkpoint-format.ts";
import { decodeGroupCheckpoint, encodeCheckpoint } from "./checkpoint-format.ts";
import type { Frame } from "./frame.ts";
import { GroupState } from "./group-state.ts";
import { netChange } from "./pending-changes.ts";
import { TailBudget } from "./tail-budget.ts";
import { WalBatch } from "./wal-batch.ts";

const EMPTY: GroupCheckpoint = {
  descriptor: { group: groupNumber(1), kind: "partition", replicaEpoch: 5, topic: "orders" },
  batch: 0,
  firstIndex: 1,
  firstOffset: 0,
  lastIndex: 0,
  nextOffset: 0,
  logStartOffset: 0,
  droppableIndex: 0,
  termBefore: 0,
  termRuns: [],
  configIndexes: [],
  hardState: { term: 0, vote: 0, commit: 0 },
};

class Log {
  readonly budget = new TailBudget(10_000);
  readonly state = new GroupState(EMPTY, this.budget);
  #batch = 0;

  get place() {
    return nextPlace(this.state.shape, 1);
  }

  /** Appends data frames of two records, in one batch of their own. */
  append(count: number, valueBytes = 10): void {
    const frames: Frame[] = [];
    for (let made = 0; made < count; made++) {
      const { term, index, baseOffset } = this.place;
      const place = { term, index: index + made, baseOffset: baseOffset + made * 2 };
      frames.push(dataFrame(place, new Uint8Array(valueBytes), [1, 2]));
    }
    this.apply({ frames });
  }

  apply(change: Parameters<GroupState["apply"]>[0]): void {
    this.state.apply(change, new WalBatch(++this.#batch));
  }

  flush(throughBatch: number) {
    const net = netChange(this.state.takePending(throughBatch));
    const last = net.frames.at(-1)?.index ?? net.reset?.index ?? this.state.flushedIndex;
    this.state.flushed(last, net.frameBytes);
    return net;
  }
}

describe("a group's state", () => {
  test("tells readers whenever frames go away under them, and only then", () => {
    const log = new Log();
    log.append(6);
    log.flush(1);
    const { state } = log;
    const seen = [state.generation];
    log.append(1);
    seen.push(state.generation);
    state.truncatePrefix(3, 4);
    seen.push(state.generation);
    log.apply({ truncateFrom: 6, frames: [] });
    seen.push(state.generation);
    log.apply({ reset: { index: 50, term: 3, nextOffset: 90 }, frames: [] });
    seen.push(state.generation);
    expect(seen.map((generation, at) => generation !== seen[at - 1])).toEqual([
      true,
      false,
      true,
      true,
      true,
    ]);
  });

  test("gives the memory of what goes at its beginning back", () => {
    const log = new Log();
    log.append(6);
    log.flush(1);
    const before = log.budget.usedBytes;
    log.state.truncatePrefix(4, 6);
    expect(log.budget.usedBytes).toBe(before / 2);
  });

  test("writes nothing for a truncation behind its end", () => {
    const log = new Log();
    log.append(2);
    const batch = new WalBatch(9);
    log.state.apply({ truncateFrom: 3, frames: [] }, batch);
    expect([batch.isEmpty, log.state.shape.lastIndex]).toEqual([true, 2]);
  });

  test("counts as flushed only what a truncation under way leaves", () => {
    const log = new Log();
    log.append(4);
    const taken = log.state.takePending(1);
    const { frames, frameBytes } = netChange(taken);
    const [, , third] = frames;
    if (third === undefined) throw new Error("no frame");
    const place = { term: 2, index: 3, baseOffset: third.baseOffset };
    log.apply({ truncateFrom: 3, frames: [dataFrame(place, new Uint8Array(9), [7])] });
    log.state.flushed(4, frameBytes);
    expect(log.state.flushedIndex).toBe(2);
    expect(log.state.oldestPendingBatch).toBe(2);
  });

  test("gives all its memory back when its group is dropped, flushed or not", () => {
    const log = new Log();
    log.append(3);
    log.flush(1);
    log.append(2);
    expect(log.budget.usedBytes).toBeGreaterThan(0);
    expect(log.state.pendingBytes).toBeGreaterThan(0);
    log.state.release();
    expect([log.budget.usedBytes, log.budget.pinnedBytes, log.state.pendingBytes]).toEqual([
      0, 0, 0,
    ]);
    expect([log.state.tail.count, log.state.oldestPendingBatch]).toEqual([0, undefined]);
  });

  test("shows a write at once and pins it until a segment has it", () => {
    const log = new Log();
    log.append(3);
    expect(log.state.shape).toMatchObject({ lastIndex: 3, nextOffset: 6 });
    expect(log.budget.pinnedBytes).toBe(log.state.pendingBytes);
    expect(log.flush(0).frames).toEqual([]);
    expect(log.flush(1).frames).toHaveLength(3);
    expect(log.budget.pinnedBytes).toBe(0);
    expect(log.state.flushedIndex).toBe(3);
  });

  test("never writes frames that were truncated before a segment had them", () => {
    const log = new Log();
    log.append(2);
    log.append(2);
    log.apply({ truncateFrom: 2, frames: [] });
    log.append(1);
    expect(log.flush(9)).toMatchObject({
      truncate: undefined,
      frames: [{ index: 1 }, { index: 2 }],
    });
    expect(log.budget.pinnedBytes).toBe(0);
    expect(log.state.shape).toMatchObject({ lastIndex: 2, nextOffset: 4 });
  });

  test("cuts the segments for a truncation of what they have", () => {
    const log = new Log();
    log.append(4);
    log.flush(9);
    log.apply({ truncateFrom: 3, frames: [] });
    expect(log.state.flushedIndex).toBe(2);
    expect(log.flush(9).truncate).toEqual({ from: 3, nextOffset: 4 });
  });

  test("refuses to truncate what is committed, or to go back in terms", () => {
    const log = new Log();
    log.append(3);
    log.apply({ frames: [], hardState: { term: 2, vote: 0, commit: 2 } });
    expect(() => log.apply({ truncateFrom: 2, frames: [] })).toThrow(/truncate 2, commit 2/);
    const older = { term: 1, vote: 0, commit: 2 };
    expect(() => log.apply({ frames: [], hardState: older })).toThrow(/term 1 after 2/);
  });

  test("clamps the commit hint to the log", () => {
    const log = new Log();
    log.append(2);
    log.apply({ frames: [], hardState: { term: 1, vote: 7, commit: 9 } });
    expect(log.state.hardState).toEqual({ term: 1, vote: 7, commit: 2 });
  });

  test("refuses frames that do not follow", () => {
    const log = new Log();
    log.append(1);
    const gap = plainFrame({ term: 1, index: 3, baseOffset: 2 }, "noop");
    expect(() => log.apply({ frames: [gap] })).toThrow(/frame 3 after 1/);
    const shifted = plainFrame({ term: 1, index: 2, baseOffset: 5 }, "noop");
    expect(() => log.apply({ frames: [shifted] })).toThrow(/offset 5 after 2/);
  });

  test("drops flushed frames from memory, oldest first, and only those", () => {
    const log = new Log();
    log.append(40, 300);
    log.flush(1);
    log.append(10, 300);
    log.budget.trim();
    expect(log.state.tail.firstIndex).toBe(41);
    expect(log.budget.isOverloaded).toBe(false);
    log.append(20, 300);
    log.budget.trim();
    expect(log.state.tail.firstIndex).toBe(41);
    expect(log.budget.isOverloaded).toBe(true);
  });

  test("keeps the indexes of membership changes through truncations", () => {
    const log = new Log();
    log.append(1);
    log.apply({ frames: [plainFrame(log.place, "config")] });
    log.append(1);
    log.apply({ frames: [plainFrame(log.place, "config")] });
    expect(log.state.shape.configIndexes).toEqual([2, 4]);
    log.apply({ truncateFrom: 3, frames: [] });
    expect(log.state.shape.configIndexes).toEqual([2]);
  });

  test("finds the frame of an offset in memory, or says that it is elsewhere", () => {
    const log = new Log();
    log.append(5);
    expect(log.state.tail.indexOfOffset(3)).toBe(2);
    log.flush(1);
    log.state.evictThrough(2);
    expect(log.state.tail.indexOfOffset(3)).toBeUndefined();
    expect(log.state.tail.indexOfOffset(4)).toBe(3);
    expect(log.state.tail.indexOfOffset(10)).toBeUndefined();
  });
});

test("a checkpoint is read back, and anything else is refused", () => {
  const checkpoint = { ...EMPTY, termRuns: [{ term: 2, startIndex: 4, startOffset: 9 }] };
  expect(decodeGroupCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint);
  for (const bad of ["", "[]", "{}", '{"version":2}', "null"]) {
    expect(decodeGroupCheckpoint(new TextEncoder().encode(bad))).toBeUndefined();
  }
  const wrong = { ...checkpoint, lastIndex: -1 };
  expect(decodeGroupCheckpoint(encodeCheckpoint(wrong))).toBeUndefined();
});
