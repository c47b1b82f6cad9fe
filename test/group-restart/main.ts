/**
 * Replaces the members of a consumer group one by one under load, kills one, and says what the
 * partitions noticed: `npm run group-restart -- [--members 8] [--partitions 48] [--rate 2000]
 * [--restarts 8]`. Latencies count from the call of `enqueue` to the loop's body; "quiet" is the
 * longest one with nobody coming or going. Exit code 1 when a record was skipped, or delivered
 * twice though it was committed.
 */
import { parseArgs } from "node:util";
import { restartGroup } from "./restart-group.ts";

const { values } = parseArgs({
  options: {
    members: { type: "string", default: "8" },
    partitions: { type: "string", default: "48" },
    rate: { type: "string", default: "2000" },
    restarts: { type: "string", default: "8" },
  },
});

const report = await restartGroup({
  members: Number(values.members),
  partitions: Number(values.partitions),
  recordsPerSecond: Number(values.rate),
  restarts: Number(values.restarts),
  withCrash: true,
});
const { faults, restarts, crash } = report;
const ms = (value: number): string => `${Math.round(value)} ms`;
console.log(`${report.sent} records; longest delivery when quiet ${ms(report.quietMs)}`);
for (const [index, { movedCount, keptMs, movedMs }] of restarts.entries()) {
  console.log(
    `restart ${index + 1}: ${movedCount} partitions moved, longest delivery ${ms(movedMs)}; ` +
      `in those that stayed ${ms(keptMs)}`,
  );
}
const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
console.log(
  `medians: moved ${ms(median(restarts.map(({ movedMs }) => movedMs)))}, ` +
    `stayed ${ms(median(restarts.map(({ keptMs }) => keptMs)))}`,
);
if (crash !== undefined) {
  console.log(
    `kill -9: ${crash.movedCount} partitions moved, longest delivery ${ms(crash.movedMs)}; ` +
      `in those that stayed ${ms(crash.keptMs)}`,
  );
}
console.log(`${report.repeated} delivered twice, uncommitted at the kill; ${faults.length} faults`);
for (const fault of faults.slice(0, 20)) console.log(`WRONG  ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
