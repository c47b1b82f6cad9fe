import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualTime } from "@stratalog/base/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FileEvent } from "../history/file-event.ts";
import type { History } from "../history/history.ts";
import { OrderGenerator } from "../orders/order-generator.ts";
import { FakeTourCluster, type TourFault } from "../testing/fake-tour-cluster.ts";
import { AckLedger } from "./ack-ledger.ts";
import { DeliveryLedger } from "./delivery-ledger.ts";
import { runSteps } from "./run-tour.ts";
import type { TourContext } from "./tour-context.ts";
import { TourReport } from "./tour-report.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stratalog-tour-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const blob = "b".repeat(40);
const events = Array.from({ length: 50 }, (_, seq): FileEvent => {
  const about = { seq, repo: "r", commit: "c", time: 1000 + seq, path: `file-${seq % 40}` };
  return { ...about, type: seq < 40 ? "FileAdded" : "FileModified", mode: "100644", blob };
});
const tree = Array.from({ length: 40 }, (_, i) => `file-${i}`)
  .toSorted()
  .map((path) => `100644\t${blob}\t${path}\n`)
  .join("");

function history(mark = tree): History {
  return { source: "a test", name: "t", events, marks: [{ endSeq: 50, tree: mark, source: "it" }] };
}

/** Takes the tour over the fake in manual time; resolves to what it said. */
async function takeTour(change: { readonly fault?: TourFault; readonly history?: History } = {}) {
  const time = new ManualTime();
  const lines: string[] = [];
  const output = { line: (text: string) => lines.push(text), note: () => {}, progress: () => {} };
  const report = new TourReport(output, 7);
  const cluster = new FakeTourCluster(time, change.fault);
  const tour: TourContext = {
    client: cluster,
    cluster,
    plan: {
      ordersTopic: "orders",
      historyTopic: "history",
      group: "billing",
      partitionCount: 6,
      orderCount: 2000,
      loadPerSecond: 1000,
      treeFolder: folder,
      history: change.history ?? history(),
    },
    report,
    generator: new OrderGenerator(11),
    acks: new AckLedger(),
    deliveries: new DeliveryLedger(),
    clock: time,
    timers: time,
    signal: new AbortController().signal,
    startMs: 0,
  };
  let isDone = false;
  const running = runSteps(tour).finally(() => {
    isDone = true;
  });
  running.catch(() => {
    // Looked at below; this only keeps Node from calling it unhandled meanwhile.
  });
  for (let round = 0; round < 20_000 && !isDone; round++) await time.advanceAsync(5);
  await running;
  return { report, text: lines.join("\n"), tour };
}

describe("the tour", () => {
  it("takes seven steps, and every comparison holds on a cluster that keeps its word", async () => {
    const { report, text, tour } = await takeTour();
    expect(report.failedCount).toBe(0);
    expect(report.heldCount).toBe(8);
    expect(text).toContain("[7/7] real history: 50 file changes");
    expect(tour.generator.eventCount).toBeGreaterThan(4000);
    expect(await readFile(join(folder, "tree-at-50.tsv"), "utf8")).toBe(tree);
  });

  it("kills the broker that coordinates the group among those that lead most", async () => {
    const { text } = await takeTour();
    expect(text).toContain("broker 2 leads 2 of 6 partitions, as many as any and coordinates");
  });

  it("measures the gap of the partitions that lost their leader", async () => {
    const { report } = await takeTour();
    const gap = report.figures.find(({ name }) => name.includes("longest gap"));
    expect(gap?.value).toMatch(/^4\d\d ms \(partition [14]\)$/);
  });

  it("notices an acknowledged record that is not there, and one that is there twice", async () => {
    await expect(takeTour({ fault: "lost-record" })).rejects.toThrow("waited 60 s for the group");
    const { report, text } = await takeTour({ fault: "doubled-record" });
    expect(report.failedCount).toBeGreaterThan(1);
    expect(text).toMatch(/NOT every one of .* acknowledged records is at its offset, once/);
    expect(text).toMatch(/NOT all .* orders are as the generator has them/);
  });

  it("notices records that a group never gets, or does not commit", async () => {
    await expect(takeTour({ fault: "member-skips" })).rejects.toThrow("waited 60 s for the group");
    const { text } = await takeTour({ fault: "forgets-commits" });
    expect(text).toMatch(/NOT the group read on[^]*are not committed/);
  });

  it("notices a tree that is not git's", async () => {
    const { report, text } = await takeTour({ history: history(tree.replace("file-7", "file-8")) });
    expect(report.failedCount).toBe(1);
    expect(text).toContain(`+ 100644\t${blob}\tfile-7`);
  });
});

describe("AckLedger", () => {
  it("counts the time to the first acknowledgement, between them and since the last", () => {
    const acks = new AckLedger();
    acks.watch(2, 0);
    acks.note(0, { partition: 0, offset: 0n }, 10);
    acks.note(1, { partition: 1, offset: 0n }, 40);
    expect(acks.isPastEverywhere(10)).toBe(false);
    expect(acks.longestGap(45)).toEqual({ durationMs: 40, partition: 1 });
    expect(acks.longestGap(100)).toEqual({ durationMs: 90, partition: 0 });
    expect(() => acks.note(1, { partition: 1, offset: 1n }, 50)).toThrow("acknowledged twice");
  });
});
