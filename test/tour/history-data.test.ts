// Folds of real histories against what git says, without a cluster: the oracle of the tour's last
// step is right.
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  FileTreeFold,
  formatTree,
  type History,
  readBundledHistory,
  readEventFile,
  readGitHistory,
  treeDifferences,
} from "@stratalog/cli";
import { describe, expect, it } from "vitest";
import { canRun, repositoryRoot, sharedFolder } from "../skips.ts";

/** Differences of every mark's tree from the fold up to it. */
function differences(history: History): string[] {
  return history.marks.flatMap((mark) => {
    const fold = new FileTreeFold(mark.endSeq);
    for (const event of history.events) fold.apply(event);
    return treeDifferences(mark.tree, formatTree(fold.tree));
  });
}

const data = sharedFolder("data");
const hasData = canRun({
  need: "data",
  isMet: data !== undefined,
  name: "folds of other projects' histories",
  reason: "../shared/data is not there",
});

describe.skipIf(!hasData)("histories of other projects", () => {
  it.each([
    ["kafkajs.jsonl", 4477, 4],
    ["kafka.jsonl.gz", 98_257, 3],
  ])("%s folds to git's tree at every mark", async (name, eventCount, markCount) => {
    const history = await readEventFile(join(data!, "repo-history", name));
    expect(history.events).toHaveLength(eventCount);
    expect(history.marks).toHaveLength(markCount);
    expect(differences(history)).toEqual([]);
  });
});

const hasGit = canRun({
  need: "git",
  isMet:
    existsSync(join(repositoryRoot, ".git")) &&
    (await readGitHistory(repositoryRoot)) !== undefined,
  name: "the fold of this repository's own history",
  reason: "git or the repository's history is not there",
});

describe.skipIf(!hasGit)("this repository", () => {
  it("folds to git's tree", async () => {
    const history = await readGitHistory(repositoryRoot);
    expect(history!.events.length).toBeGreaterThan(100);
    expect(differences(history!)).toEqual([]);
  });
});

describe("the bundled sample", () => {
  it("folds to the tree beside it", async () => {
    const history = await readBundledHistory();
    expect(history.events.length).toBeGreaterThan(100);
    expect(history.marks).toHaveLength(1);
    expect(differences(history)).toEqual([]);
  });
});
