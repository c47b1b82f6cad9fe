import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEventFile } from "./event-file.ts";
import { decodeFileEvent, encodeFileEvent, type FileEvent } from "./file-event.ts";
import { FileTreeFold, formatTree, treeDifferences } from "./file-tree.ts";
import { parseGitLog, parseLsTree, readGitHistory } from "./git-history.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stratalog-history-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const a = "a".repeat(40);
const b = "b".repeat(40);

function event(seq: number, change: Partial<FileEvent>): FileEvent {
  return {
    seq,
    type: "FileAdded",
    repo: "here",
    commit: a,
    time: 1000 * seq,
    path: "file",
    mode: "100644",
    blob: a,
    ...change,
  };
}

const story = [
  event(0, { path: "z" }),
  event(1, { path: "Zä" }),
  event(2, { path: "z", type: "FileModified", blob: b }),
  event(3, { path: "gone" }),
  { seq: 4, type: "FileDeleted", repo: "here", commit: a, time: 4000, path: "gone" },
] as const satisfies readonly FileEvent[];

function fold(events: readonly FileEvent[], endSeq: number): string {
  const result = new FileTreeFold(endSeq);
  for (const item of events) result.apply(item);
  return formatTree(result.tree);
}

describe("FileTreeFold", () => {
  it("adds, modifies and deletes up to its mark, sorted as git sorts", () => {
    expect(fold(story, 5)).toBe(`100644\t${a}\tZä\n100644\t${b}\tz\n`);
    expect(fold(story, 4)).toContain("\tgone\n");
    expect(fold(story, 2)).toBe(`100644\t${a}\tZä\n100644\t${a}\tz\n`);
    expect(fold(story, 0)).toBe("");
  });

  it("needs the order of each path alone", () => {
    const interleaved = [story[3], story[4], story[1], story[0], story[2]];
    expect(fold(interleaved, 5)).toBe(fold(story, 5));
    const swapped = [story[2], story[0]];
    expect(treeDifferences(fold([story[0], story[2]], 5), fold(swapped, 5))).toEqual([
      `- 100644\t${b}\tz`,
      `+ 100644\t${a}\tz`,
    ]);
  });
});

describe("file events", () => {
  it("survive their bytes", () => {
    for (const item of story) expect(decodeFileEvent(encodeFileEvent(item))).toEqual(item);
  });

  it.each(["{}", "nonsense", '{"seq":-1}'])("are refused as %j", (text) => {
    expect(() => decodeFileEvent(new TextEncoder().encode(text))).toThrow("not a file event");
  });
});

describe("readEventFile", () => {
  const lines = story.map((item) => JSON.stringify(item)).join("\n");

  it("reads plain and zipped files with the trees beside them", async () => {
    await writeFile(join(folder, "story.jsonl"), `${lines}\n`);
    await writeFile(join(folder, "story.jsonl.gz"), gzipSync(lines));
    await writeFile(join(folder, "story.tree-at-5.tsv"), fold(story, 5));
    await writeFile(join(folder, "story.tree-at-2.tsv"), fold(story, 2));
    const plain = await readEventFile(join(folder, "story.jsonl"));
    const zipped = await readEventFile(join(folder, "story.jsonl.gz"));
    expect(plain.events).toEqual(story);
    expect(zipped.events).toEqual(plain.events);
    expect(zipped.marks.map(({ endSeq }) => endSeq)).toEqual([2, 5]);
  });

  it.each([
    ["bad.jsonl", `${lines}\n{"seq":5}`, "bad.jsonl line 6: not a file event"],
    ["gap.jsonl", lines.split("\n").slice(1).join("\n"), "events count from 0"],
    ["cut.jsonl.gz", "not zipped", "cannot read"],
    ["name.json", "", "must be named NAME.jsonl"],
  ])("refuses %s and says where", async (name, text, expected) => {
    await writeFile(join(folder, name), text);
    await expect(readEventFile(join(folder, name))).rejects.toThrow(expected);
  });

  it("refuses a tree of more events than there are, and a file that is not there", async () => {
    await writeFile(join(folder, "short.jsonl"), "");
    await writeFile(join(folder, "short.tree-at-9.tsv"), "");
    await expect(readEventFile(join(folder, "short.jsonl"))).rejects.toThrow("is for 9 events");
    await expect(readEventFile(join(folder, "none.jsonl"))).rejects.toThrow("cannot read");
  });
});

describe("git's output", () => {
  it("is read change by change, whatever the paths hold", () => {
    const zero = "0".repeat(40);
    const log = [
      `\u0001${a} 10`,
      `\n:000000 100644 ${zero} ${a} A`,
      ":odd name",
      `:000000 100755 ${zero} ${b} A`,
      "run\nme",
      `\u0001${b} 20`,
      `\n:100644 000000 ${a} ${zero} D`,
      ":odd name",
      `:100755 120000 ${b} ${a} T`,
      "run\nme",
      "",
    ].join("\0");
    const events = parseGitLog(log, "r");
    expect(events.map(({ type, path, time }) => [type, path, time])).toEqual([
      ["FileAdded", ":odd name", 10_000],
      ["FileAdded", "run\nme", 10_000],
      ["FileDeleted", ":odd name", 20_000],
      ["FileModified", "run\nme", 20_000],
    ]);
    expect(events[3]).toMatchObject({ seq: 3, mode: "120000", blob: a, commit: b });
    expect(events[2]).not.toHaveProperty("mode");
  });

  it("gives trees in our text form", () => {
    expect(parseLsTree(`100644 blob ${a}\tx y\u0000160000 commit ${b}\tsub\u0000`)).toBe(
      `100644\t${a}\tx y\n160000\t${b}\tsub\n`,
    );
  });

  it("is not asked for where there is no repository", async () => {
    expect(await readGitHistory(folder)).toBeUndefined();
  });
});
