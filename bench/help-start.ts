import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";

// How long `strata --help` takes beyond an empty Node program. The two alternate, so that whatever
// else the machine does falls on both.

const STRATA = join(import.meta.dirname, "../packages/cli/bin/strata.js");

/** Milliseconds of one whole process. */
function timeOf(args: readonly string[]): number {
  const startMs = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: "ignore" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}`);
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.floor(ascending.length / 2)] ?? Number.NaN;
}

const { values } = parseArgs({ options: { runs: { type: "string", default: "15" } } });
const bare: number[] = [];
const help: number[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  bare.push(timeOf(["-e", ""]));
  help.push(timeOf([STRATA, "--help"]));
}
const bareMs = median(bare);
const helpMs = median(help);
process.stdout.write(
  `bare Node ${bareMs.toFixed(0)} ms, strata --help ${helpMs.toFixed(0)} ms: ` +
    `${(helpMs - bareMs).toFixed(0)} ms beyond (medians of ${bare.length} runs, alternating)\n`,
);
