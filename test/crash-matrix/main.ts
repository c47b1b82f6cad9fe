/**
 * Crashes the log store at every call of many seeded workloads: `npm run crash-matrix -- [--seeds
 * N] [--from S] [--states N] [--steps N]`. It ends when both enough seeds and enough states are
 * done. The run can be stopped and goes on where it was: what is done at the same sources stands in
 * test-results/crash-matrix.jsonl. Exit code 1 when a recovered log was wrong.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CRASH_EVENTS, crashEverywhere, type CrashOutcome } from "@stratalog/log-store/testing";
import { repositoryRoot } from "../skips.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { RunLedger } from "../run-ledger/run-ledger.ts";

/** How often each thing must have occurred in all workloads together. */
const EVENT_COUNT_MIN = 3;
const DENSITY = { killEvery: 40, failedSyncEvery: 12, nestedEvery: 4 };

interface Entry extends CrashOutcome {
  readonly commit: string;
  readonly seed: number;
  readonly steps: number;
  readonly seconds: number;
}

function add(into: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) into[name] = (into[name] ?? 0) + count;
}

/** Says what all runs together met; gives whether that was enough and nothing was wrong. */
function conclude(entries: readonly Entry[], statesWanted: number): boolean {
  const tally: Record<string, number> = {};
  const counts: Record<string, number> = {};
  let states = 0;
  let points = 0;
  for (const entry of entries) {
    states += entry.states;
    points += entry.points;
    add(tally, { ...entry.tally });
    add(counts, entry.counts);
    for (const failure of entry.failures) console.log(`WRONG  seed ${entry.seed}: ${failure}`);
  }
  console.log(`occurred: ${describe(counts)}`);
  console.log(`crash states: ${describe(tally)}`);
  const inRecovery = tally["killThenCut"] ?? 0;
  const inRecoveryAfterSync =
    (tally["failedSyncThenCut"] ?? 0) + (tally["failedDirectorySyncThenCut"] ?? 0);
  console.log(
    `rolls ${counts["rolls"] ?? 0}, truncations across segments ${counts["deep truncate"] ?? 0}, ` +
      `WAL recycles ${counts["WAL recycles"] ?? 0}, ` +
      `retention deletes ${counts["segments dropped"] ?? 0}, ` +
      `snapshot installs ${counts["reset"] ?? 0}, ` +
      `crashes inside recovery ${inRecovery + inRecoveryAfterSync}`,
  );
  const missing = CRASH_EVENTS.filter((event) => (counts[event] ?? 0) < EVENT_COUNT_MIN);
  if (missing.length > 0) console.log(`too rare to count: ${missing.join(", ")}`);
  const failed = entries.filter(({ failures }) => failures.length > 0).length;
  console.log(
    `${states} crash states at ${points} points of ${entries.length} workloads, ` +
      `${failed} workloads with a wrong log`,
  );
  return failed === 0 && missing.length === 0 && states >= statesWanted;
}

function describe(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1" },
      from: { type: "string", default: "1" },
      states: { type: "string", default: "20000" },
      steps: { type: "string", default: "80" },
    },
  });
  const commit = sourcesState(["packages/base", "packages/record-batch", "packages/log-store"]);
  const steps = Number(values.steps);
  const statesWanted = Number(values.states);
  const first = Number(values.from);
  const ledger = new RunLedger<Entry>(join(repositoryRoot, "test-results", "crash-matrix.jsonl"));
  const isSame = (entry: Entry): boolean => entry.commit === commit && entry.steps === steps;
  const known = new Map(ledger.read().map((entry) => [isSame(entry) ? entry.seed : -1, entry]));
  const entries: Entry[] = [];
  let states = 0;
  for (let seed = first; seed < first + Number(values.seeds) || states < statesWanted; seed++) {
    let entry = known.get(seed);
    if (entry === undefined) {
      const startMs = performance.now();
      const outcome = await crashEverywhere({ seed, steps, density: DENSITY });
      const seconds = Math.round((performance.now() - startMs) / 100) / 10;
      entry = { commit, seed, steps, seconds, ...outcome };
      ledger.append(entry);
      const result = entry.failures.length === 0 ? "right" : "WRONG";
      console.log(`${result}  seed ${seed}  ${entry.states} states  ${seconds} s`);
    }
    entries.push(entry);
    states += entry.states;
  }
  process.exitCode = conclude(entries, statesWanted) ? 0 : 1;
}

await main();
