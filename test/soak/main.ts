/**
 * `npm run soak -- [--minutes 60] [--stalled 100] [--rate 300] [--bytes 1024] [--interval 30]`:
 * three broker processes, one of them down, an even load in and out, and consume streams that
 * never read. Prints memory, elections and lag at intervals as JSON lines, which also go to
 * test-results/soak.jsonl, and a verdict at the end. Exit code 1 when memory was not flat after
 * the warm-up or a leader changed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RunLedger } from "../run-ledger/run-ledger.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { repositoryRoot } from "../skips.ts";
import { type SoakOptions, type SoakSample, type SoakVerdict, soak } from "./soak.ts";

type Line =
  | ({ readonly commit: string; readonly started: string; readonly node: string } & SoakOptions)
  | SoakSample
  | SoakVerdict;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "60" },
      interval: { type: "string", default: "30" },
      stalled: { type: "string", default: "100" },
      rate: { type: "string", default: "300" },
      bytes: { type: "string", default: "1024" },
    },
  });
  const options: SoakOptions = {
    minutes: Number(values.minutes),
    intervalSeconds: Number(values.interval),
    stalledCount: Number(values.stalled),
    recordsPerSecond: Number(values.rate),
    valueBytes: Number(values.bytes),
  };
  const ledger = new RunLedger<Line>(join(repositoryRoot, "test-results", "soak.jsonl"));
  const say = (line: Line): void => {
    ledger.append(line);
    console.log(JSON.stringify(line));
  };
  const commit = sourcesState(["packages"]);
  say({ commit, started: new Date().toISOString(), node: process.version, ...options });
  const verdict = await soak(options, say);
  say(verdict);
  process.exitCode = verdict.passed ? 0 : 1;
}

await main();
