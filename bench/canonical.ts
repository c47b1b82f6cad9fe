/**
 * The canonical workload: `npm run bench [-- --quick] [-- --runs N]`. Three broker processes,
 * replication factor 3, synced on a majority, 12 partitions; one producer process that gets the
 * place of every record (`sendBatch` of 500), one consumer process that replays everything, and one process that
 * sends 1,000 records a second and reads them. All on this machine. Each run has a fresh cluster.
 *
 * Lines of JSON, a table and a plot go to bench/results/, progress to standard error, the table to
 * standard output. Figures of a machine with other work are worth little: processor time per 100 MB
 * is in the table for that case.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type PhaseRecord, runOnce, type Volumes } from "./canonical/run.ts";
import { type Figure, table } from "./report/figure.ts";
import { machine } from "./report/machine.ts";
import { svgPlot } from "./report/svg-plot.ts";

const MB = 1_000_000;
const RESULTS = join(import.meta.dirname, "results");

const FULL: Volumes = {
  partitions: 12,
  sizes: [
    { valueBytes: 1_024, totalBytes: 400 * MB, warmBytes: 320 * MB },
    { valueBytes: 100, totalBytes: 150 * MB, warmBytes: 50 * MB },
  ],
  latencySeconds: 10,
};
const QUICK: Volumes = {
  partitions: 12,
  sizes: [
    { valueBytes: 1_024, totalBytes: 80 * MB, warmBytes: 40 * MB },
    { valueBytes: 100, totalBytes: 30 * MB, warmBytes: 10 * MB },
  ],
  latencySeconds: 3,
};
const FULL_RUNS = 5;

/** What is to be reached on two cores. */
const TARGETS: Readonly<Record<string, number>> = {
  "produce 1024": 150_000,
  "produce 100": 600_000,
  "replay 1024": 500_000,
  "replay 100": 2_000_000,
};
const END_TO_END_TARGETS = { p50: 1.5, p99: 6 } as const;

function rateFigures(records: readonly PhaseRecord[], volumes: Volumes): readonly Figure[] {
  const figures: Figure[] = [];
  for (const phase of ["produce", "replay"] as const) {
    for (const { valueBytes } of volumes.sizes) {
      const found = records.filter((one) => one.phase === phase && one.valueBytes === valueBytes);
      const rates: number[] = [];
      const processorSeconds: number[] = [];
      for (const { result, brokersCpuSeconds } of found) {
        if (result.kind !== "rate") continue;
        rates.push(result.recordCount / (result.elapsedMs / 1000));
        const seconds = result.clientCpuSeconds + (brokersCpuSeconds ?? 0);
        processorSeconds.push((seconds * 100 * MB) / result.payloadBytes);
      }
      const name = `${phase} ${valueBytes} B`;
      const target = TARGETS[`${phase} ${valueBytes}`];
      const goal = target === undefined ? {} : { target };
      figures.push({ name, unit: "records/s", isRate: true, values: rates, ...goal });
      const unit = "CPU s/100 MB";
      figures.push({
        name: `${name}, all processes`,
        unit,
        isRate: false,
        values: processorSeconds,
      });
    }
  }
  return figures;
}

function latencyFigures(records: readonly PhaseRecord[]): readonly Figure[] {
  const figures: Figure[] = [];
  for (const [what, key] of [
    ["end to end", "endToEndMs"],
    ["acknowledged", "acknowledgedMs"],
  ] as const) {
    for (const share of ["p50", "p99", "p999"] as const) {
      const values = records.flatMap(({ result }) =>
        result.kind === "latency" ? [result[key][share]] : [],
      );
      const hasTarget = key === "endToEndMs" && share !== "p999";
      const goal = hasTarget ? { target: END_TO_END_TARGETS[share] } : {};
      figures.push({
        name: `1,000/s, ${what} ${share}`,
        unit: "ms",
        isRate: false,
        values,
        ...goal,
      });
    }
  }
  return figures;
}

const { values: options } = parseArgs({
  options: { quick: { type: "boolean", default: false }, runs: { type: "string" } },
});
const volumes = options.quick ? QUICK : FULL;
const runCount = Number(options.runs ?? (options.quick ? 1 : FULL_RUNS));
const where = machine();
const records: PhaseRecord[] = [];
for (let run = 1; run <= runCount; run++) {
  await runOnce(run, volumes, (record) => {
    records.push(record);
    process.stderr.write(`${JSON.stringify(record)}\n`);
  });
}
const figures = [...rateFigures(records, volumes), ...latencyFigures(records)];
const about =
  `${where.cores} cores (${where.cpu}), ${where.memoryGiB} GiB, Node ${where.node}, ` +
  `commit ${where.commit}, ${runCount} runs`;
const text = `${about}\n\n${table(figures)}`;
await mkdir(RESULTS, { recursive: true });
const name = options.quick ? "canonical-quick" : "canonical";
const time = new Date().toISOString();
const lines = records.map((record) => `${JSON.stringify({ time, ...where, ...record })}\n`);
await writeFile(join(RESULTS, `${name}.jsonl`), lines.join(""), { flag: "a" });
await writeFile(join(RESULTS, `${name}.md`), `# The canonical workload\n\n${text}`);
const plotted = figures.filter(({ unit }) => unit !== "CPU s/100 MB");
const title = "Three brokers, replication factor 3, synced on a majority, 12 partitions";
await writeFile(join(RESULTS, `${name}.svg`), svgPlot(title, about, plotted));
process.stdout.write(text);
