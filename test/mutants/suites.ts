import type { MutantSuite } from "./mutant.ts";
import { PLANTED_IN_RAFT_HOST } from "./planted/raft-host.ts";
import { PLANTED_IN_RAFT } from "./planted/raft.ts";
import { PLANTED_IN_STORAGE } from "./planted/storage.ts";

/** A run of one package's tests in one thread, which starts in half the time. */
function check(folder: string): readonly string[] {
  return ["vitest", "run", "--bail=1", "--no-isolate", "--pool=threads", "--maxWorkers=1", folder];
}

/** Drawn mutants of the core. */
const CORE = {
  drawnFrom: ["packages/raft-ts/src/core"],
  leftOut: /\/(?:describe|status|messages|types|log-storage)\b/,
  sparesPureSwaps: true,
} as const;

/** What holds for all drawn mutants of the storage engine. */
const STORAGE = {
  dependsOn: [
    ...["base", "record-batch", "log-store", "raft-host", "partition"].map(
      (name) => `packages/${name}`,
    ),
    "test/mutants",
  ],
  checks: [
    check("packages/record-batch"),
    check("packages/partition"),
    check("packages/log-store/src/core"),
    check("packages/log-store"),
  ],
};

/** The suites that `npm run mutants -- NAME` knows. */
export const SUITES: readonly MutantSuite[] = [
  {
    name: "raft",
    planted: [...PLANTED_IN_RAFT, ...PLANTED_IN_RAFT_HOST],
    ...CORE,
    dependsOn: [
      ...["base", "log-store", "raft-ts", "raft-host", "simulator"].map(
        (name) => `packages/${name}`,
      ),
      "test/mutants",
    ],
    // The quickest first: most bugs fall to the core's own tests.
    checks: [
      check("packages/raft-ts"),
      check("packages/simulator/src/raft-core"),
      check("packages/raft-host"),
      check("packages/simulator/src/raft/"),
    ],
  },
  {
    // What the core's own tests and its simulation find without hosts: a lower bound, in a fraction
    // of the time.
    name: "raft-core",
    planted: [],
    ...CORE,
    dependsOn: ["packages/raft-ts", "packages/simulator", "test/mutants"],
    checks: [check("packages/raft-ts"), check("packages/simulator/src/raft-core")],
  },
  {
    name: "storage",
    planted: PLANTED_IN_STORAGE,
    drawnFrom: ["record-batch", "log-store", "partition"].map(
      (name) => `packages/${name}/src/core`,
    ),
    leftOut: /^$/,
    ...STORAGE,
  },
  {
    // Much of what executes only decides when something happens: caches, flushes, wake-ups. No
    // share is asked for here.
    name: "storage-io",
    planted: [],
    drawnFrom: ["packages/log-store/src/io", "packages/partition/src/io"],
    leftOut: /\/(?:segment-inspector|log-inspector|node-file-system)\b/,
    ...STORAGE,
  },
];
