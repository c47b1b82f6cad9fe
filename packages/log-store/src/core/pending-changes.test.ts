// The fold is compared with a list of frames to which the changes are made one after the other.
import fc from "fast-check";
import { expect, test } from "vitest";
import { plainFrame } from "../testing/frames.ts";
import type { Frame } from "./frame.ts";
import { netChange, type NetChange, type PendingChange } from "./pending-changes.ts";

const FIRST = 100;

interface Log {
  readonly first: number;
  readonly frames: readonly Frame[];
}

function frameAt(index: number, term: number): Frame {
  const payload = new Uint8Array(1 + (index % 3));
  return plainFrame({ term, index, baseOffset: index }, "command", payload);
}

function applied(log: Log, change: PendingChange): Log {
  switch (change.type) {
    case "append":
      return { ...log, frames: [...log.frames, ...change.frames] };
    case "truncate":
      return { ...log, frames: log.frames.filter(({ index }) => index < change.from) };
    case "reset":
      return { first: change.reset.index + 1, frames: [] };
  }
}

/** What the segments make of a net change: reset, then truncate, then append. */
function appliedNet(log: Log, net: NetChange): Log {
  const parts: PendingChange[] = [];
  if (net.reset !== undefined) parts.push({ type: "reset", batch: 1, reset: net.reset });
  if (net.truncate !== undefined) parts.push({ type: "truncate", batch: 1, ...net.truncate });
  parts.push({ type: "append", batch: 1, frames: net.frames });
  return parts.reduce(applied, log);
}

const steps = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant("append" as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ type: fc.constant("truncate" as const), back: fc.integer({ min: 1, max: 7 }) }),
    fc.record({ type: fc.constant("reset" as const), ahead: fc.nat(5) }),
  ),
  { maxLength: 14 },
);

test("one net change leaves the segments as all changes one by one would", () => {
  fc.assert(
    fc.property(steps, (list) => {
      const start: Log = {
        first: FIRST,
        frames: [1, 2, 3].map((at) => frameAt(FIRST + at - 1, 1)),
      };
      let log = start;
      let term = 1;
      let frameBytes = 0;
      const changes: PendingChange[] = [];
      for (const step of list) {
        term++;
        const next = (log.frames.at(-1)?.index ?? log.first - 1) + 1;
        let change: PendingChange;
        if (step.type === "append") {
          const frames = Array.from({ length: step.count }, (_, at) => frameAt(next + at, term));
          frameBytes += frames.reduce((sum, frame) => sum + frame.byteLength, 0);
          change = { type: "append", batch: term, frames };
        } else if (step.type === "truncate") {
          const from = Math.max(log.first, next - step.back);
          if (from >= next) continue;
          change = { type: "truncate", batch: term, from, nextOffset: from };
        } else {
          const index = next + step.ahead;
          change = { type: "reset", batch: term, reset: { index, term, nextOffset: index } };
        }
        changes.push(change);
        log = applied(log, change);
      }
      const net = netChange(changes);
      expect(appliedNet(start, net)).toEqual(log);
      expect(net.frameBytes).toBe(frameBytes);
      // What was taken back before it was written is never written.
      expect(net.frames.every((frame) => log.frames.includes(frame))).toBe(true);
      expect(net.truncate?.nextOffset).toBe(net.truncate?.from);
    }),
  );
});

test("a truncation of only what was just appended cuts no segment", () => {
  const frames = [frameAt(5, 1), frameAt(6, 1)];
  const append: PendingChange = { type: "append", batch: 1, frames };
  const cut = netChange([append, { type: "truncate", batch: 2, from: 6, nextOffset: 6 }]);
  expect(cut).toMatchObject({ truncate: undefined, frames: [{ index: 5 }] });
  const all = netChange([append, { type: "truncate", batch: 2, from: 5, nextOffset: 5 }]);
  expect(all).toMatchObject({ truncate: { from: 5, nextOffset: 5 }, frames: [] });
});
