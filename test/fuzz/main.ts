/**
 * `npm run fuzz -- [--minutes 5] [--seed N] [--target NAME] [--only decoders|live]`: bytes that
 * are wrong, first into the decoders of foreign bytes as pure functions, then at a broker process
 * that a good client uses meanwhile. No crash, no hang, no memory without a bound, nothing
 * accepted that is wrong.
 *
 * Rounds have seeds, counted up from the first that test-results/fuzz.jsonl has not for these
 * sources, so that a run that was stopped goes on; `--seed` begins elsewhere. A round that fails is
 * named with the command that runs it again. Exit code 1 when one failed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RunLedger } from "../run-ledger/run-ledger.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { repositoryRoot } from "../skips.ts";
import { decoderTargets } from "./decoders/index.ts";
import { callTarget, http2Target } from "./live/client-port.ts";
import { LiveBroker } from "./live/live-broker.ts";
import { httpTarget, peerTarget } from "./live/peer-port.ts";
import { type RoundResult, runRound } from "./round.ts";
import type { FuzzTarget } from "./target.ts";

interface Entry extends RoundResult {
  readonly commit: string;
}

interface Options {
  readonly minutes: number;
  readonly seed: number | undefined;
  readonly target: string | undefined;
  readonly only: string | undefined;
}

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "5" },
      seed: { type: "string" },
      target: { type: "string" },
      only: { type: "string" },
    },
  });
  return {
    minutes: Number(values.minutes),
    seed: values.seed === undefined ? undefined : Number(values.seed),
    target: values.target,
    only: values.only,
  };
}

async function main(): Promise<void> {
  const options = parseOptions();
  const commit = sourcesState(["packages", "test/fuzz"]);
  const ledger = new RunLedger<Entry>(join(repositoryRoot, "test-results", "fuzz.jsonl"));
  const done = ledger.read().filter((entry) => entry.commit === commit);
  const firstSeed = options.seed ?? Math.max(0, ...done.map((entry) => entry.seed)) + 1;
  await using live = options.only === "decoders" ? undefined : await LiveBroker.start();
  const atBroker = live === undefined ? [] : liveTargets(live);
  const decoders = options.only === "live" ? [] : await decoderTargets();
  const targets = [...decoders, ...atBroker].filter(
    ({ name }) => options.target === undefined || name === options.target,
  );
  if (targets.length === 0) throw new Error(`there is no target ${options.target}`);
  console.log(`fuzzing ${targets.length} targets from seed ${firstSeed} at ${commit}`);
  const results = await runRounds(targets, { firstSeed, minutes: options.minutes }, (result) =>
    ledger.append({ commit, ...result }),
  );
  process.exitCode = conclude(results) ? 0 : 1;
}

function liveTargets(live: LiveBroker): readonly FuzzTarget[] {
  return [callTarget(live), http2Target(live), peerTarget(live), httpTarget(live)];
}

/** One round of each target in turn until the time is over; a target that failed has no more. */
async function runRounds(
  targets: readonly FuzzTarget[],
  { firstSeed, minutes }: { readonly firstSeed: number; readonly minutes: number },
  onResult: (result: RoundResult) => void,
): Promise<readonly RoundResult[]> {
  const results: RoundResult[] = [];
  const failed = new Set<string>();
  const endMs = performance.now() + minutes * 60_000;
  for (let seed = firstSeed; performance.now() < endMs; seed++) {
    for (const target of targets.filter(({ name }) => !failed.has(name))) {
      const result = await runRound(target, seed);
      onResult(result);
      results.push(result);
      if (result.failure === undefined) continue;
      failed.add(target.name);
      console.log(`FAILED ${target.name}, case ${result.failure.case}: ${result.failure.reason}`);
      console.log(
        `  again: npm run fuzz -- --minutes 0.01 --seed ${seed} --target "${target.name}"`,
      );
    }
    if (failed.size === targets.length) break;
  }
  return results;
}

function conclude(results: readonly RoundResult[]): boolean {
  for (const name of new Set(results.map(({ target }) => target))) {
    const own = results.filter(({ target }) => target === name);
    const cases = own.reduce((sum, result) => sum + result.cases, 0);
    const seconds = own.reduce((sum, result) => sum + result.seconds, 0);
    const failures = own.filter(({ failure }) => failure !== undefined).length;
    console.log(
      `${name}: ${own.length} rounds, ${cases} cases, ${Math.round(seconds)} s, ${failures} failed`,
    );
  }
  return results.every(({ failure }) => failure === undefined);
}

await main();
