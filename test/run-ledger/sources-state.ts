import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { repositoryRoot } from "../skips.ts";

/**
 * The commit that last changed the folders, and a digest of what is not committed there, so that a
 * ledger line always names the sources it speaks of.
 */
export function sourcesState(folders: readonly string[]): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: repositoryRoot, encoding: "utf8", maxBuffer: 1 << 28 });
  const commit = git("log", "-1", "--format=%h", "--abbrev=12", "--", ...folders).trim();
  const change = git("diff", "HEAD", "--", ...folders);
  const digest = createHash("sha256").update(change).digest("hex").slice(0, 8);
  return change === "" ? commit : `${commit}+${digest}`;
}
