import { ManualTime } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { CallGuard } from "./call-guard.ts";
import { CallMemory } from "./call-memory.ts";

function setUp() {
  const time = new ManualTime();
  const memory = new CallMemory({ connectionBytes: 100, totalBytes: 150, stalledMs: 60_000 });
  const resets: string[] = [];
  const guard = (name: string, connection: object): CallGuard => {
    const made = new CallGuard({
      clock: time,
      total: memory.total,
      connection: memory.ofConnection(connection),
      reset: () => resets.push(name),
    });
    memory.add(made);
    return made;
  };
  return { time, memory, resets, guard };
}

describe("CallGuard", () => {
  it("counts what its call holds for its connection and for all, and gives it back", () => {
    const { memory, guard } = setUp();
    const [one, other] = [{}, {}];
    const [a, b, c] = [guard("a", one), guard("b", one), guard("c", other)];
    expect(a.setRequestBytes(60)).toBe(true);
    expect(b.setRequestBytes(39)).toBe(true);
    expect([b.setRequestBytes(40), b.isCrowded, c.isCrowded]).toEqual([false, true, false]);
    expect(b.setRequestBytes(10)).toBe(true);
    c.addAnswer(70);
    expect([memory.total.usedBytes, c.isCrowded]).toEqual([140, false]);
    expect(c.setStateBytes(20)).toBe(false);
    for (const each of [a, b, c]) each.close();
    c.removeAnswer(70);
    expect(memory.total.usedBytes).toBe(0);
  });

  it("calls back when there is room again, once, and not after its end", () => {
    const { guard } = setUp();
    const connection = {};
    const [a, b] = [guard("a", connection), guard("b", connection)];
    const calls: string[] = [];
    a.addAnswer(100);
    b.onRoom(() => calls.push("first"));
    b.onRoom(() => calls.push("second"));
    a.removeAnswer(100);
    expect(calls).toEqual(["second"]);
    a.addAnswer(100);
    b.onRoom(() => calls.push("third"));
    b.close();
    a.removeAnswer(100);
    expect(calls).toEqual(["second"]);
  });

  it("ends calls of slow clients after their time, and after a second when there is no room", () => {
    const { time, memory, resets, guard } = setUp();
    const [slow, brisk, half] = [guard("slow", {}), guard("brisk", {}), guard("half", {})];
    slow.addAnswer(1);
    brisk.addAnswer(1);
    brisk.addAnswer(1);
    half.setRequestBytes(5);
    time.advance(40_000);
    brisk.removeAnswer(1);
    // One request is whole and the next one has begun.
    half.setRequestBytes(3);
    time.advance(30_000);
    memory.endStalled();
    expect(resets).toEqual(["slow"]);
    expect(memory.stalledCount).toBe(1);
    slow.close();
    memory.delete(slow);
    const crowd = guard("crowd", {});
    crowd.addAnswer(150);
    time.advance(1_000);
    memory.endStalled();
    expect(resets).toEqual(["slow", "brisk", "half"]);
    time.advance(1);
    memory.endStalled();
    expect(resets.slice(3)).toContain("crowd");
  });
});
