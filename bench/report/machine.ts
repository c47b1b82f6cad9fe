import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import process from "node:process";

/** Where and with what a figure was measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** The commit, with "+" when files differ from it; "unknown" outside a repository. */
  readonly commit: string;
}

/** This machine, this Node, this commit. */
export function machine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    commit: commit(),
  };
}

function commit(): string {
  try {
    const name = git("rev-parse", "--short", "HEAD").trim();
    return git("status", "--porcelain", "--untracked-files=no") === "" ? name : `${name}+`;
  } catch {
    // No git, or no repository: a released copy.
    return "unknown";
  }
}

function git(...args: readonly string[]): string {
  return execFileSync("git", args, { encoding: "utf8", cwd: import.meta.dirname });
}
