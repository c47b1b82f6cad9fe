import { describe, expect, it } from "vitest";
import { DeliveryLog, faultsOf, pausesIn } from "./delivery-log.ts";
import { restartGroup } from "./restart-group.ts";

describe("a rolling restart of a group under load", () => {
  it("skips no record, and delivers none twice but those uncommitted at a kill", async () => {
    const report = await restartGroup({
      members: 8,
      partitions: 48,
      recordsPerSecond: 1_000,
      restarts: 3,
      withCrash: true,
    });
    expect(report.faults).toEqual([]);
    expect(report.sent).toBeGreaterThan(3_000);
    // A member has six partitions: they go to others, and as many come to the next member.
    for (const { movedCount } of report.restarts) {
      expect(movedCount).toBeGreaterThanOrEqual(6);
      expect(movedCount).toBeLessThanOrEqual(13);
    }
  }, 120_000);
});

describe("the delivery log", () => {
  const delivered = (list: readonly (readonly [number, string])[]): DeliveryLog => {
    const log = new DeliveryLog();
    for (const [offset, member] of list) {
      log.add({ partition: 0, offset, member, atMs: offset, latencyMs: offset * 10 });
    }
    return log;
  };

  it("finds what was skipped, repeated or is missing", () => {
    const log = delivered([
      [0, "a"],
      [2, "a"],
      [2, "b"],
    ]);
    expect(faultsOf(log, 0, { count: 4 })).toEqual([
      "0/2 came where 1 should",
      "0/2 came twice",
      "2 of 4 in 0",
    ]);
    const repeated = delivered([
      [0, "a"],
      [1, "a"],
      [1, "b"],
    ]);
    expect(faultsOf(repeated, 0, { count: 2, mayRepeatFrom: 1 })).toEqual([]);
    expect(faultsOf(repeated, 0, { count: 2, mayRepeatFrom: 2 })).toEqual(["0/1 came twice"]);
  });

  it("tells partitions that moved from those that stayed", () => {
    const log = delivered([
      [0, "a"],
      [1, "a"],
      [2, "b"],
    ]);
    const owners = new Map([[0, "a"]]);
    expect(pausesIn(log, { fromMs: 0, toMs: 1, owners })).toEqual({
      keptMs: 10,
      movedMs: 0,
      movedCount: 0,
    });
    expect(pausesIn(log, { fromMs: 2, toMs: 2, owners })).toEqual({
      keptMs: 0,
      movedMs: 20,
      movedCount: 1,
    });
  });
});
