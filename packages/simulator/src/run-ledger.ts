import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** What became of the seeds from `from` to `to`, both included, at one state of the sources. */
export interface RunEntry {
  readonly commit: string;
  /** What was run; see `SimulationLevel`. */
  readonly level: string;
  readonly from: number;
  readonly to: number;
  readonly result: "passed" | "failed";
  readonly seconds: number;
}

/**
 * The last commit that touched these paths, and a digest of what is not committed there, so that a
 * line of the ledger always names the sources it speaks of. Tests may change freely.
 */
export function stateOfSources(paths: readonly string[]): string {
  const pathspecs = [...paths.map((path) => `:(top)${path}`), ":(top,exclude)*.test.ts"];
  const git = (...args: string[]): string =>
    execFileSync("git", [...args, "--", ...pathspecs], { encoding: "utf8", maxBuffer: 1 << 28 });
  const change = git("diff", "HEAD");
  const digest = createHash("sha256").update(change).digest("hex").slice(0, 8);
  const commit = git("log", "-1", "--format=%h", "--abbrev=12").trim();
  return commit + (change === "" ? "" : `+${digest}`);
}

/** A file of JSON lines that a long run appends to and, when it was stopped, goes on from. */
export class RunLedger {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  append(entry: RunEntry): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }

  /** Seeds that passed at this state of the sources and at this level. */
  passed(commit: string, level: string): ReadonlySet<number> {
    const seeds = new Set<number>();
    if (!existsSync(this.#path)) return seeds;
    for (const line of readFileSync(this.#path, "utf8").split("\n")) {
      if (line === "") continue;
      const entry = JSON.parse(line) as RunEntry;
      if (entry.commit !== commit || entry.level !== level) continue;
      if (entry.result !== "passed") continue;
      for (let seed = entry.from; seed <= entry.to; seed++) seeds.add(seed);
    }
    return seeds;
  }
}
