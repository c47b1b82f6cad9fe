import { execFileSync } from "node:child_process";

const FIXED_SEED = 20_260_101;

/** A seed that is another one at each commit, so that every change runs new histories. */
export interface CommitSeed {
  readonly seed: number;
  /** The commit, or why it is unknown. */
  readonly origin: string;
}

/** The first digits of the commit's hash; a fixed seed where there is no repository or no git. */
export function commitSeed(): CommitSeed {
  try {
    const hash = execFileSync("git", ["rev-parse", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    return { seed: Number.parseInt(hash.slice(0, 7), 16), origin: `commit ${hash.slice(0, 12)}` };
  } catch {
    return { seed: FIXED_SEED, origin: "no commit known" };
  }
}
