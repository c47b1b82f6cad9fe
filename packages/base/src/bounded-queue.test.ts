import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoundedQueue } from "./bounded-queue.ts";

describe("BoundedQueue", () => {
  it("refuses at its limit and has room again after a shift", () => {
    const queue = new BoundedQueue<number>(2);
    expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false]);
    expect(queue.shift()).toBe(1);
    expect(queue.push(3)).toBe(true);
    expect([queue.peek(), queue.length]).toEqual([2, 2]);
  });

  it("behaves like an array that is pushed and shifted", () => {
    const step = fc.oneof(fc.constant("shift" as const), fc.integer());
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 1, max: 8 }), (steps, limit) => {
        const queue = new BoundedQueue<number>(limit);
        const model: number[] = [];
        for (const action of steps) {
          if (action === "shift") expect(queue.shift()).toBe(model.shift());
          else if (model.length < limit) {
            expect(queue.push(action)).toBe(true);
            model.push(action);
          } else expect(queue.push(action)).toBe(false);
          expect([queue.length, queue.peek()]).toEqual([model.length, model[0]]);
        }
        queue.clear();
        expect(queue.shift()).toBeUndefined();
      }),
    );
  });
});
