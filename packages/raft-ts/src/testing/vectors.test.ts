// Runs the scripts of another Raft project, which are no part of this repository, where they lie
// beside it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canRun, sharedFolder } from "../../../../test/skips.ts";
import { runScript } from "./script/run-script.ts";

const folder = process.env["STRATALOG_RAFT_VECTORS"] ?? sharedFolder("raft-vectors");
const isMet = folder !== undefined && existsSync(folder);
const isRunnable = canRun({
  need: "vectors",
  isMet,
  name: "Raft vectors",
  reason: "no folder ../shared/raft-vectors, and STRATALOG_RAFT_VECTORS names none",
});

/** Name of every script, with the folder that holds it. */
function scriptNames(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".txt"))
    .sort();
}

describe.skipIf(!isRunnable)("scripts of another Raft project", () => {
  const root = folder ?? "";
  const names = isRunnable ? scriptNames(root) : [];

  it("are there", () => {
    expect(names.length).toBeGreaterThan(0);
  });

  it.each(names)("%s has the expected output", (name) => {
    const { caseCount, mismatches } = runScript(readFileSync(join(root, name), "utf8"));
    expect(mismatches).toEqual([]);
    expect(caseCount).toBeGreaterThan(0);
  });
});
