/**
 * Lives through many random histories of a consumer group: `npm run group-histories -- --histories
 * N [--from S]`, or one of them with `--seed S`. A history is members that join, leave, crash and
 * lose answers, coordinators that fail over, and topics that come, grow and go. A run that was
 * stopped goes on where it was: what passed at the same sources stands in
 * test-results/group-histories.jsonl. Exit code 1 when something happened that must not.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SeededRandom } from "@stratalog/base";
import { drawHappening, type HistoryOutcome, runHistory } from "@stratalog/groups/testing";
import { RunLedger } from "../run-ledger/run-ledger.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { repositoryRoot } from "../skips.ts";

/** Histories of one line in the ledger. */
const CHUNK = 500;
const HAPPENINGS = { min: 10, max: 120 };

interface Entry {
  readonly commit: string;
  readonly from: number;
  readonly to: number;
  readonly result: "passed" | "failed";
  readonly commandCount: number;
  readonly settledMembers: number;
  readonly seconds: number;
}

interface ChunkRun {
  readonly entry: Entry;
  readonly failure?: unknown;
}

function runSeed(seed: number): HistoryOutcome {
  const random = new SeededRandom(seed);
  const count = HAPPENINGS.min + random.below(HAPPENINGS.max - HAPPENINGS.min);
  const happenings = Array.from({ length: count }, () => drawHappening(random));
  // Three of four with the default assignor, whose moves are checked to be the fewest.
  return runHistory(seed % 4 === 0 ? "range" : "uniform", happenings);
}

/** Runs the seeds in [from, end); gives the first failure. */
function runChunk(commit: string, from: number, end: number): ChunkRun {
  const startMs = performance.now();
  let commandCount = 0;
  let settledMembers = 0;
  const entry = (result: Entry["result"], to: number): Entry => {
    const seconds = Math.round((performance.now() - startMs) / 100) / 10;
    return { commit, from, to, result, commandCount, settledMembers, seconds };
  };
  for (let seed = from; seed < end; seed++) {
    try {
      const outcome = runSeed(seed);
      commandCount += outcome.commandCount;
      settledMembers += outcome.settledMembers;
    } catch (failure) {
      return { entry: entry("failed", seed), failure };
    }
  }
  return { entry: entry("passed", end - 1) };
}

function main(): void {
  const { values } = parseArgs({
    options: {
      histories: { type: "string", default: "2000" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
    },
  });
  if (values.seed !== undefined) {
    console.log(JSON.stringify(runSeed(Number(values.seed))));
    return;
  }
  const commit = sourcesState(["packages/base", "packages/groups"]);
  const ledger = new RunLedger<Entry>(join(repositoryRoot, "test-results/group-histories.jsonl"));
  const passed = ledger.read().filter((one) => one.commit === commit && one.result === "passed");
  const done = new Map(passed.map((one) => [`${one.from}-${one.to}`, one]));
  const first = Number(values.from);
  const end = first + Number(values.histories);
  let commandCount = 0;
  let settledMembers = 0;
  for (let from = first; from < end; from += CHUNK) {
    const chunkEnd = Math.min(from + CHUNK, end);
    const known = done.get(`${from}-${chunkEnd - 1}`);
    const { entry, failure }: ChunkRun =
      known === undefined ? runChunk(commit, from, chunkEnd) : { entry: known };
    if (known === undefined) ledger.append(entry);
    if (entry.result === "failed") {
      console.error(failure);
      console.log(`FAILED seed ${entry.to}: npm run group-histories -- --seed ${entry.to}`);
      process.exitCode = 1;
      return;
    }
    commandCount += entry.commandCount;
    settledMembers += entry.settledMembers;
  }
  console.log(
    `${end - first} histories passed at ${commit}: ${commandCount} commands, ` +
      `${settledMembers} members at the end of them`,
  );
}

main();
