import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventHeap } from "./event-heap.ts";
import { SimKernel } from "./sim-kernel.ts";
import { SimNode } from "./sim-node.ts";

describe("EventHeap", () => {
  it("hands out events by time, then tie-break, then order of scheduling", () => {
    const small = fc.integer({ min: 0, max: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(small, small)), (keys) => {
        const heap = new EventHeap();
        const events = keys.map(([timeMs, tieBreak], sequence) => {
          return { timeMs, tieBreak, sequence, label: "", run: () => {} };
        });
        for (const event of events) heap.push(event);
        const sorted = events.toSorted(
          (a, b) => a.timeMs - b.timeMs || a.tieBreak - b.tieBreak || a.sequence - b.sequence,
        );
        expect(events.map(() => heap.pop())).toEqual(sorted);
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});

describe("SimKernel", () => {
  it("runs promises to their end between two events", async () => {
    const kernel = new SimKernel(1);
    const order: string[] = [];
    kernel.schedule(1, () => {
      void Promise.resolve()
        .then(() => {})
        .then(() => order.push("promise"));
    });
    kernel.schedule(2, () => order.push("event"));
    await kernel.run(10);
    expect(order).toEqual(["promise", "event"]);
    expect(kernel.monotonicMs()).toBe(10);
  });

  it("draws the order of one instant from the seed", async () => {
    const orderOf = async (seed: number): Promise<string> => {
      const kernel = new SimKernel(seed);
      let order = "";
      for (const name of "abcdef") kernel.schedule(1, () => (order += name));
      await kernel.run(5);
      return order;
    };
    expect(await orderOf(1)).toBe(await orderOf(1));
    const orders = new Set(await Promise.all([1, 2, 3, 4, 5].map(orderOf)));
    expect(orders.size).toBeGreaterThan(1);
  });
});

describe("SimNode", () => {
  it("loses what was scheduled when it crashes", async () => {
    const kernel = new SimKernel(1);
    const node = new SimNode(kernel, 1);
    const ran: string[] = [];
    node.boot();
    node.timers.after(5, () => ran.push("old"));
    node.crash();
    node.boot();
    node.timers.after(5, () => ran.push("new"));
    await kernel.run(10);
    expect(ran).toEqual(["new"]);
  });

  it("holds back what falls due in a pause, and runs it in order afterwards", async () => {
    const kernel = new SimKernel(1);
    const node = new SimNode(kernel, 1);
    const ran: number[] = [];
    node.boot();
    for (const delayMs of [3, 1, 2]) node.timers.after(delayMs, () => ran.push(delayMs));
    const cancelled = node.timers.after(4, () => ran.push(4));
    node.pause();
    await kernel.run(10);
    expect(ran).toEqual([]);
    cancelled.cancel();
    node.resume();
    await kernel.run(1);
    expect(ran).toEqual([1, 2, 3]);
  });
});
