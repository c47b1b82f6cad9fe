import type { MutantSuite } from "./mutant.ts";
import { PLANTED_IN_RAFT } from "./planted/raft.ts";

/** The suites that `npm run mutants -- NAME` knows. */
export const SUITES: readonly MutantSuite[] = [
  {
    name: "raft",
    planted: PLANTED_IN_RAFT,
    drawnFrom: ["packages/raft-ts/src/core"],
    leftOut: /\/(?:describe|status|messages|types|log-storage)\b/,
    checks: [
      ["vitest", "run", "--bail=1", "packages/raft-ts", "packages/raft-host", "packages/simulator"],
    ],
  },
];
