import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunEntry, RunLedger } from "./run-ledger.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stratalog-ledger-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run(from: number, to: number, fields: Partial<RunEntry> = {}): RunEntry {
  return { commit: "c1", level: "core", from, to, result: "passed", seconds: 1, ...fields };
}

describe("the ledger of simulation runs", () => {
  it("knows what passed on these sources and at this level, and nothing else", () => {
    const ledger = new RunLedger(join(folder, "results", "runs.jsonl"));
    expect(ledger.passed("c1", "core").size).toBe(0);
    ledger.append(run(1, 3));
    ledger.append(run(4, 4, { result: "failed" }));
    ledger.append(run(5, 9, { commit: "c2" }));
    ledger.append(run(10, 12, { level: "host" }));
    ledger.append(run(20, 20));
    expect([...ledger.passed("c1", "core")]).toEqual([1, 2, 3, 20]);
    expect([...ledger.passed("c1", "host")]).toEqual([10, 11, 12]);
  });

  it("appends one line a run", () => {
    const path = join(folder, "runs.jsonl");
    const ledger = new RunLedger(path);
    ledger.append(run(1, 100));
    ledger.append(run(101, 200));
    expect(readFileSync(path, "utf8").trimEnd().split("\n")).toHaveLength(2);
  });
});
