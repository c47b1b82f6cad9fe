import { execFile } from "node:child_process";
import { basename, resolve } from "node:path";
import { present } from "@stratalog/base";
import type { FileEvent } from "./file-event.ts";
import type { History } from "./history.ts";

const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;
const GIT_MS_MAX = 60_000;
/** Begins the line of each commit; no path entry begins with it. */
const COMMIT_MARK = "\u0001";

/** Resolves to git's output, or to undefined when git or the repository is missing. */
function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { cwd: folder, maxBuffer: OUTPUT_BYTES_MAX, timeout: GIT_MS_MAX };
    execFile("git", args, options, (error, stdout) => resolve(error === null ? stdout : undefined));
  });
}

/**
 * The file changes of a repository's main line up to its HEAD, and the tree that git says HEAD has.
 * Undefined where git is not installed, the folder is no repository of its own, its history is cut
 * off, or nothing is committed.
 */
export async function readGitHistory(folder: string): Promise<History | undefined> {
  const top = await git(folder, ["rev-parse", "--show-prefix"]);
  // A folder inside a foreign repository (an unpacked archive, say) has no history of its own.
  if (top === undefined || top.trim() !== "") return undefined;
  // A shallow clone has cut its history off.
  const shallow = await git(folder, ["rev-parse", "--is-shallow-repository"]);
  if (shallow?.trim() === "true") return undefined;
  const head = (await git(folder, ["rev-parse", "--verify", "HEAD^{commit}"]))?.trim();
  if (head === undefined) return undefined;
  const log = await git(folder, [
    "-c",
    "log.showRoot=true",
    "log",
    "--first-parent",
    "-m",
    "--no-renames",
    "--raw",
    "-z",
    "--no-abbrev",
    "--reverse",
    "--format=%x01%H %ct",
    head,
  ]);
  const tree = await git(folder, ["ls-tree", "-r", "-z", "--full-tree", head]);
  if (log === undefined || tree === undefined) return undefined;
  const events = parseGitLog(log, basename(resolve(folder)));
  const text = parseLsTree(tree);
  return {
    source: `git history of this repository up to ${head.slice(0, 10)}`,
    name: basename(resolve(folder)),
    events,
    marks: [{ endSeq: events.length, tree: text, source: "git ls-tree -r" }],
  };
}

/**
 * Reads `git log --raw -z`: a commit line, then for each file a header and a path, all ended by
 * NUL.
 */
export function parseGitLog(log: string, repo: string): FileEvent[] {
  const events: FileEvent[] = [];
  let commit = "";
  let time = 0;
  const tokens = log.split("\0").values();
  for (const token of tokens) {
    const text = token.startsWith("\n") ? token.slice(1) : token;
    if (text.startsWith(COMMIT_MARK)) {
      const [sha = "", seconds = ""] = text.slice(1).split(" ");
      commit = sha;
      time = Number(seconds) * 1000;
    } else if (text.startsWith(":")) {
      const [, mode = "", , blob = "", status = ""] = text.slice(1).split(" ");
      const path: string = present(tokens.next().value, "path of a change");
      const about = { seq: events.length, repo, commit, time, path };
      if (status.startsWith("D")) events.push({ ...about, type: "FileDeleted" });
      else {
        const type = status.startsWith("A") ? "FileAdded" : "FileModified";
        events.push({ ...about, type, mode, blob });
      }
    }
  }
  return events;
}

/** `git ls-tree -r -z` as the text form of a tree. git has sorted it by bytes already. */
export function parseLsTree(output: string): string {
  return output
    .split("\0")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const tab = entry.indexOf("\t");
      const [mode = "", , blob = ""] = entry.slice(0, tab).split(" ");
      return `${mode}\t${blob}\t${entry.slice(tab + 1)}\n`;
    })
    .join("");
}
