// The repository's own scripts, and what the runner does with a script that is wrong.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runScript } from "./script/run-script.ts";

const folder = fileURLToPath(new URL("../../testdata/", import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));

function storyText(name: string): string {
  return readFileSync(folder + name, "utf8");
}

describe("the stories in testdata", () => {
  it.each(names)("%s", (name) => {
    const { caseCount, mismatches } = runScript(storyText(name));
    expect(mismatches).toEqual([]);
    expect(caseCount).toBeGreaterThan(3);
  });

  it("fail at the command whose output is wrong, with a diff", () => {
    const text = storyText("one-vote-per-term.txt").replace("1: StateLeader", "1: StateFollower");
    expect(runScript(text).mismatches).toEqual([
      {
        line: 68,
        command: "raft-state",
        diff: [
          "- 1: StateFollower (Voter) Term:1 Lead:1",
          "+ 1: StateLeader (Voter) Term:1 Lead:1",
          "  2: StateCandidate (Voter) Term:1 Lead:0",
          "  3: StateFollower (Voter) Term:1 Lead:0",
        ].join("\n"),
      },
    ]);
  });
});
