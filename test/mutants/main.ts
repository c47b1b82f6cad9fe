/**
 * Plants bugs and checks that the tests find them: `npm run mutants -- SUITE [--drawn N] [--seed S]
 * [--jobs N] [--kind planted|drawn] [--only TEXT-OF-ID|TEXT…]`.
 * Every planted bug must be found and must still apply; of the drawn ones at least 85 % must be
 * found. The run can be
 * stopped and goes on where it was: what is done stands in test-results/mutants.jsonl.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SeededRandom } from "@stratalog/base";
import { RunLedger } from "../run-ledger/run-ledger.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { repositoryRoot } from "../skips.ts";
import { argumentFor, linesOf } from "./argued.ts";
import { type LedgerEntry, resultsOf } from "./ledger.ts";
import { applyMutant, type Mutant, type MutantSuite } from "./mutant.ts";
import { drawMutants, mutantsOf } from "./operators.ts";
import { Sandbox } from "./sandbox.ts";
import { SUITES } from "./suites.ts";

const FOUND_SHARE_MIN = 0.85;
/** A check that takes so much longer than on the unchanged code hangs. */
const HUNG_FACTOR = 6;
const CHECK_TIMEOUT_MS_MIN = 120_000;
const CHECK_TIMEOUT_MS_MAX = 900_000;

interface Job {
  readonly mutant: Mutant;
  readonly kind: "planted" | "drawn";
}

function sourcesOf(suite: MutantSuite): readonly string[] {
  return suite.drawnFrom.flatMap((folder) =>
    readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: "utf8" })
      .map((name) => `${folder}/${name}`)
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
      .filter((path) => !suite.leftOut.test(path))
      .toSorted(),
  );
}

/** A check of a suite, and how long it may take. */
interface TimedCheck {
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

async function runJob(
  sandbox: Sandbox,
  timed: readonly TimedCheck[],
  job: Job,
): Promise<Pick<LedgerEntry, "result" | "isHung">> {
  const original = sandbox.read(job.mutant.path);
  const changed = applyMutant(job.mutant, original);
  if (changed === undefined) return { result: "gone" };
  sandbox.write(job.mutant.path, changed);
  try {
    // The tests of the changed package first: most bugs fall to them.
    const isOwn = ({ command }: TimedCheck): boolean =>
      job.mutant.path.startsWith(`${command.at(-1)}/`);
    const checks = timed.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)));
    for (const { command, timeoutMs } of checks) {
      const outcome = await sandbox.run(command, timeoutMs);
      if (outcome === "hung") return { result: "found", isHung: true };
      if (outcome === "failed") return { result: "found" };
    }
    return { result: "survived" };
  } finally {
    sandbox.write(job.mutant.path, original);
  }
}

/** Runs every check on the unchanged code, and takes its time as the measure of what hangs. */
async function checkUnchanged(
  sandbox: Sandbox,
  suite: MutantSuite,
): Promise<readonly TimedCheck[]> {
  const timed: TimedCheck[] = [];
  for (const command of suite.checks) {
    const startMs = performance.now();
    if ((await sandbox.run(command, CHECK_TIMEOUT_MS_MAX)) !== "passed") {
      throw new Error(`the unchanged code fails: ${command.join(" ")}`);
    }
    const patientMs = HUNG_FACTOR * (performance.now() - startMs);
    const timeoutMs = Math.max(CHECK_TIMEOUT_MS_MIN, Math.min(patientMs, CHECK_TIMEOUT_MS_MAX));
    timed.push({ command, timeoutMs });
  }
  return timed;
}

/** Why drawn mutants that survive are no bugs, by id, as far as that was argued. */
function argumentsFor(mutants: readonly Mutant[]): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  for (const { id, path, position, find, replace } of mutants) {
    if (position === undefined) continue;
    const text = readFileSync(join(repositoryRoot, path), "utf8");
    const reason = argumentFor(path, linesOf(text, { position, find, replace }));
    if (reason !== undefined) reasons.set(id, reason);
  }
  return reasons;
}

/** The last word on a run: whether all that must be found was found. */
function conclude(entries: readonly LedgerEntry[], reasons: ReadonlyMap<string, string>): boolean {
  const planted = entries.filter((entry) => entry.kind === "planted");
  const drawn = entries.filter((entry) => entry.kind === "drawn");
  const found = (of: readonly LedgerEntry[]): number =>
    of.filter((entry) => entry.result === "found").length;
  for (const entry of entries.filter(({ result }) => result !== "found")) {
    console.log(`${entry.result.padEnd(9)} ${entry.kind.padEnd(8)} ${entry.id}`);
    const reason = reasons.get(entry.id);
    if (reason !== undefined) console.log(`          no bug: ${reason}`);
    else if (entry.kind === "drawn") console.log("          not argued yet");
  }
  const share = drawn.length === 0 ? 1 : found(drawn) / drawn.length;
  const hung = entries.filter(({ isHung }) => isHung === true).length;
  console.log(`planted: ${found(planted)} of ${planted.length} found`);
  console.log(`drawn: ${found(drawn)} of ${drawn.length} found (${(share * 100).toFixed(1)} %)`);
  const survivors = drawn.filter(({ result }) => result === "survived");
  const argued = survivors.filter(({ id }) => reasons.has(id)).length;
  console.log(`survivors: ${argued} of ${survivors.length} argued to be no bugs`);
  console.log(`found only because the tests did not end: ${hung}`);
  return found(planted) === planted.length && share >= FOUND_SHARE_MIN;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      drawn: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      jobs: { type: "string", default: "2" },
      kind: { type: "string" },
      only: { type: "string", default: "" },
    },
  });
  const suite = SUITES.find(({ name }) => name === positionals[0]);
  if (suite === undefined) {
    console.error(
      `usage: npm run mutants -- SUITE, one of: ${SUITES.map(({ name }) => name).join(", ")}`,
    );
    process.exitCode = 2;
    return;
  }
  const commit = sourcesState(suite.dependsOn);
  const policy = { sparesPureSwaps: suite.sparesPureSwaps === true };
  const all = sourcesOf(suite).flatMap((path) =>
    mutantsOf(path, readFileSync(join(repositoryRoot, path), "utf8"), policy),
  );
  const drawn = drawMutants(all, Number(values.drawn), new SeededRandom(Number(values.seed)));
  const jobs = [
    ...suite.planted.map((mutant): Job => ({ mutant, kind: "planted" })),
    ...drawn.map((mutant): Job => ({ mutant, kind: "drawn" })),
  ]
    .filter(({ kind }) => values.kind === undefined || kind === values.kind)
    .filter(({ mutant }) => values.only.split("|").some((text) => mutant.id.includes(text)));
  const path = join(repositoryRoot, "test-results", "mutants.jsonl");
  const ledger = new RunLedger<LedgerEntry>(path);
  const done = new Map(resultsOf(ledger, commit, suite.name));
  const pending = jobs.filter(({ mutant }) => !done.has(mutant.id));
  console.log(
    `${suite.name} at ${commit}, seed ${values.seed}: ${jobs.length} mutants, ${pending.length} to do`,
  );
  const work = async (): Promise<void> => {
    const sandbox = new Sandbox(repositoryRoot);
    try {
      const timed = await checkUnchanged(sandbox, suite);
      for (let job = pending.shift(); job !== undefined; job = pending.shift()) {
        const startMs = performance.now();
        const outcome = await runJob(sandbox, timed, job);
        const seconds = Math.round((performance.now() - startMs) / 100) / 10;
        const entry = {
          commit,
          suite: suite.name,
          id: job.mutant.id,
          kind: job.kind,
          ...outcome,
          seconds,
        };
        ledger.append(entry);
        done.set(entry.id, entry);
        const how = outcome.isHung === true ? "  (no end)" : "";
        console.log(
          `${outcome.result.padEnd(9)} ${seconds.toFixed(1).padStart(5)} s  ${entry.id}${how}`,
        );
      }
    } finally {
      sandbox.remove();
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  const entries = jobs.flatMap(({ mutant }) => done.get(mutant.id) ?? []);
  process.exitCode = conclude(entries, argumentsFor(drawn)) ? 0 : 1;
}

await main();
