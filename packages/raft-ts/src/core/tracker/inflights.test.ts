import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RaftInvariantError } from "../assert.ts";
import { Inflights } from "./inflights.ts";

describe("the window of messages in flight", () => {
  it("is full at its count, and at its bytes", () => {
    const byCount = new Inflights(2, 1000);
    byCount.add(1, 1);
    byCount.add(2, 1);
    expect(byCount.isFull).toBe(true);
    const byBytes = new Inflights(10, 100);
    byBytes.add(1, 99);
    expect(byBytes.isFull).toBe(false);
    byBytes.add(2, 500);
    expect(byBytes.isFull).toBe(true);
    expect(() => byBytes.add(3, 1)).toThrow(RaftInvariantError);
  });

  it("frees everything through an index", () => {
    const window = new Inflights(4, 1000);
    for (const index of [2, 4, 6]) window.add(index, 10);
    window.freeThrough(1);
    expect(window.count).toBe(3);
    window.freeThrough(5);
    expect(window.count).toBe(1);
    window.reset();
    expect(window.count).toBe(0);
  });

  it("knows each message's bytes after its ring has turned and grown", () => {
    const window = new Inflights(8, 100);
    window.add(1, 1);
    window.add(2, 60);
    window.freeThrough(1);
    window.add(3, 1);
    window.add(4, 1);
    window.freeThrough(2);
    window.add(5, 97);
    expect(window.isFull).toBe(false);
    window.add(6, 1);
    expect(window.isFull).toBe(true);
  });

  it("behaves like a list, however often its ring turns", () => {
    const command = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 3 }), bytes: fc.nat({ max: 40 }) }),
      fc.record({ free: fc.nat({ max: 6 }) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const window = new Inflights(7, 100);
        let model: { index: number; bytes: number }[] = [];
        let last = 0;
        for (const one of commands) {
          if ("add" in one) {
            if (window.isFull) continue;
            last += one.add;
            window.add(last, one.bytes);
            model.push({ index: last, bytes: one.bytes });
          } else {
            const through = (model[0]?.index ?? 0) + one.free - 1;
            window.freeThrough(through);
            model = model.filter(({ index }) => index > through);
          }
          const bytes = model.reduce((sum, item) => sum + item.bytes, 0);
          expect(window.count).toBe(model.length);
          expect(window.isFull).toBe(model.length >= 7 || bytes >= 100);
        }
      }),
    );
  });
});
