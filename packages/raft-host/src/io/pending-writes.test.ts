import { describe, expect, it } from "vitest";
import { PendingWrites } from "./pending-writes.ts";

describe("writes under way", () => {
  it("make the log durable in their order", () => {
    const writes = new PendingWrites(3);
    writes.begin(5);
    writes.begin(7);
    expect([writes.durableIndex, writes.count]).toEqual([3, 2]);
    expect(writes.complete()).toBe(true);
    expect(writes.durableIndex).toBe(5);
    expect(writes.complete()).toBe(true);
    expect([writes.durableIndex, writes.count]).toEqual([7, 0]);
  });

  it("say nothing of entries that took the place of theirs", () => {
    const writes = new PendingWrites(3);
    writes.begin(9);
    writes.truncate(6);
    writes.begin(8);
    writes.complete();
    expect(writes.durableIndex).toBe(5);
    writes.complete();
    expect(writes.durableIndex).toBe(8);
  });

  it("do not keep what was durable and is truncated", () => {
    const writes = new PendingWrites(7);
    writes.truncate(5);
    expect(writes.durableIndex).toBe(4);
    writes.begin(4);
    expect(writes.complete()).toBe(false);
  });
});
