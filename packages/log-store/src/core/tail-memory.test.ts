// Frames in memory and their budget, against plain lists.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dataFrame, plainFrame } from "../testing/frames.ts";
import type { Frame } from "./frame.ts";
import { FrameTail } from "./frame-tail.ts";
import { TailBudget } from "./tail-budget.ts";

function makeFrame(index: number, offset: number, span: number): Frame {
  const place = { term: 1, index, baseOffset: offset };
  if (span === 0) return plainFrame(place, "command", new Uint8Array(index % 5));
  return dataFrame(
    place,
    new Uint8Array(index % 7),
    Array.from({ length: span }, () => 1),
  );
}

const steps = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant("append" as const), span: fc.constantFrom(0, 0, 1, 3) }),
    fc.record({ type: fc.constant("suffix" as const), part: fc.nat(120) }),
    fc.record({ type: fc.constant("prefix" as const), part: fc.nat(120) }),
    fc.record({ type: fc.constant("reset" as const), part: fc.nat(3) }),
  ),
  { maxLength: 60 },
);

const bytesOf = (frames: readonly Frame[]): number =>
  frames.reduce((sum, frame) => sum + frame.byteLength, 0);

/** Compares every question that can be asked of a tail with a list of the frames in it. */
function compare(tail: FrameTail, list: readonly Frame[], first: number): void {
  expect([tail.count, tail.firstIndex, tail.bytes]).toEqual([list.length, first, bytesOf(list)]);
  for (let index = first - 1; index <= first + list.length; index++) {
    expect(tail.at(index)).toBe(list[index - first]);
  }
  for (const [at, frame] of list.entries()) {
    for (const maxBytes of [1, 100, bytesOf(list.slice(at, at + 2)), 10_000]) {
      let bytes = 0;
      const wanted = list.slice(at, at + 4).filter((each, nth) => {
        bytes += each.byteLength;
        return nth === 0 || bytes <= maxBytes;
      });
      expect(tail.slice(frame.index, frame.index + 4, maxBytes)).toEqual(wanted);
    }
    expect(tail.slice(frame.index, frame.index + 1, 10_000)).toEqual([frame]);
  }
  const oldest = list[0];
  const end = list.at(-1);
  if (oldest === undefined || end === undefined) {
    expect(tail.indexOfOffset(0)).toBeUndefined();
    return;
  }
  for (let offset = oldest.baseOffset - 1; offset <= end.baseOffset + end.span; offset++) {
    const holder = list.find(({ baseOffset, span }) => {
      return baseOffset <= offset && offset < baseOffset + span;
    });
    expect(tail.indexOfOffset(offset), `offset ${offset}`).toBe(holder?.index);
  }
}

describe("the tail of a log", () => {
  test("answers as a list of its frames, whatever is appended and removed", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const tail = new FrameTail(1);
        let frames: Frame[] = [];
        let next = 1;
        let offset = 0;
        for (const step of list) {
          const first = next - frames.length;
          if (step.type === "append") {
            const frame = makeFrame(next, offset, step.span);
            tail.append(frame);
            frames.push(frame);
            next++;
            offset += step.span;
          } else if (step.type === "reset") {
            const held = bytesOf(frames);
            next += step.part;
            expect(tail.reset(next)).toBe(held);
            frames = [];
          } else {
            const at = Math.floor((frames.length * step.part) / 100);
            const [low, high] = [frames.slice(0, at), frames.slice(at)];
            if (step.type === "prefix") {
              expect(tail.truncatePrefix(first + at)).toBe(bytesOf(low));
              frames = high;
            } else {
              expect(tail.truncateSuffix(first + at)).toBe(bytesOf(high));
              frames = low;
              next = Math.min(next, first + at);
              offset = high[0]?.baseOffset ?? offset;
            }
          }
          compare(tail, frames, next - frames.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("stays right when thousands have passed through", () => {
    const tail = new FrameTail(1);
    const held: Frame[] = [];
    for (let index = 1; index <= 5_000; index++) {
      const frame = makeFrame(index, 7, 0);
      tail.append(frame);
      held.push(frame);
      if (index % 3 === 0) {
        tail.truncatePrefix(index - 9);
        held.splice(0, Math.max(0, held.length - 10));
      }
    }
    compare(tail, held, 5_001 - held.length);
  });

  test("takes no frame but the next one", () => {
    const tail = new FrameTail(5);
    expect(() => tail.append(makeFrame(6, 0, 0))).toThrow(/frame 6, expected 5/);
    tail.truncateSuffix(3);
    expect(tail.firstIndex).toBe(3);
  });
});

describe("the budget of all tails", () => {
  /** An owner that holds 10 bytes per index and remembers what it was told to drop. */
  function owner(log: number[]): { evictThrough(index: number): number } {
    return {
      evictThrough: (index) => {
        log.push(index);
        return 10;
      },
    };
  }

  test("drops the oldest that may go, and no more than it must", () => {
    const budget = new TailBudget(30);
    const dropped: number[] = [];
    for (let index = 1; index <= 5; index++) {
      budget.added(10);
      budget.unpinned(10);
      budget.becameEvictable(owner(dropped), index);
    }
    budget.trim();
    expect(dropped).toEqual([1, 2]);
    expect(budget.usedBytes).toBe(30);
    budget.trim();
    expect(dropped).toEqual([1, 2]);
    for (let index = 6; index <= 9; index++) {
      budget.added(10);
      budget.unpinned(10);
      budget.becameEvictable(owner(dropped), index);
      budget.trim();
    }
    expect(dropped).toEqual([1, 2, 3, 4, 5, 6]);
    expect([budget.usedBytes, budget.pinnedBytes]).toEqual([30, 0]);
  });

  test("is overloaded above its limit by what cannot go, and not at it", () => {
    const budget = new TailBudget(30);
    budget.added(30);
    expect(budget.isOverloaded).toBe(false);
    budget.added(1);
    expect([budget.isOverloaded, budget.pinnedBytes, budget.usedBytes]).toEqual([true, 31, 31]);
    budget.trim();
    expect(budget.usedBytes).toBe(31);
    budget.unpinned(31);
    budget.removed(31);
    expect([budget.isOverloaded, budget.pinnedBytes, budget.usedBytes]).toEqual([false, 0, 0]);
  });

  test("never counts below zero", () => {
    expect(() => new TailBudget(10).removed(1)).toThrow(/below zero/);
    expect(() => new TailBudget(10).unpinned(1)).toThrow(/below zero/);
    expect(() => new TailBudget(0)).toThrow(/0 bytes/);
  });
});
