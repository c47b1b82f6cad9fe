import { expect, test } from "vitest";
import type { ConsumedRecord } from "../../core/consumed-record.ts";
import type { Position } from "../../core/positions.ts";
import { WorkScheduler } from "../../core/work-scheduler.ts";
import type { OpenedFeedBatch } from "../fetch/batch-queue.ts";
import type { HandledRecord } from "./handled-record.ts";
import { RunLane } from "./run-lane.ts";

/** A lane whose window takes four records, with batches of three, and how often each came back. */
function laneOf(batchCount: number) {
  const position: Position = { topic: "t", partition: 0, delivered: 0, passed: 0, committed: -1 };
  const owned = new AbortController().signal;
  const lane = new RunLane<string, string>({ position, order: "key", readAhead: 4, owned });
  const scheduler = new WorkScheduler<HandledRecord<string, string>>(2);
  const released = Array.from({ length: batchCount }, () => 0);
  for (let at = 0; at < batchCount; at++) {
    const from = at * 3;
    let next = from;
    const read = (): ConsumedRecord<string, string> | undefined => {
      if (next === from + 3) return undefined;
      const record = { position: next, keyText: () => `k${next % 2}` };
      next++;
      // Of a record a lane looks at these two alone.
      return record as unknown as ConsumedRecord<string, string>;
    };
    const batch = {
      from,
      end: from + 3,
      reader: { next: read },
      isCurrent: () => true,
      release: () => {
        released[at] = (released[at] ?? 0) + 1;
      },
    };
    // Of a batch, these.
    lane.hold(batch as unknown as OpenedFeedBatch<string, string>);
  }
  for (let work = lane.take(); work !== undefined; work = lane.take()) scheduler.offer(work);
  return { lane, scheduler, released };
}

test("a batch gives its bytes back once, after the last of its records", () => {
  const { lane, scheduler, released } = laneOf(1);
  for (let work = scheduler.next(); work !== undefined; work = scheduler.next()) {
    expect(released).toEqual([0]);
    scheduler.finish(work);
    lane.finish(work.item.batch);
  }
  expect(released).toEqual([1]);
  lane.retire();
  expect(released).toEqual([1]);
});

test.each(["drain", "end"])(
  "a partition that goes gives all bytes back, of records that never ran too (%s)",
  (how) => {
    const { lane, scheduler, released } = laneOf(3);
    const running = [scheduler.next(), scheduler.next()];
    lane.dropWaiting();
    if (how === "drain") lane.window.close();
    else lane.window.abandon();
    expect(released).toEqual([0, 1, 1]);
    const [first, second] = running;
    if (first === undefined || second === undefined) throw new Error("two records run");
    scheduler.finish(first);
    lane.finish(first.item.batch);
    scheduler.discard(second);
    lane.retire();
    expect(released).toEqual([1, 1, 1]);
  },
);
