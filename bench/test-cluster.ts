/**
 * How long a test waits for its cluster: `npm run bench:test-cluster -- [--runs N] [--brokers 1|3]
 * [--storage memory|directory] [--parts]`. Each run is a process of its own, since a test file's
 * first cluster is the one that people wait for: from the call of startTestCluster, its modules
 * loaded, to the first record that a consumer of a new topic gets. Prints medians of the time and
 * of the processor's time; --parts says where the time goes.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What one run took, milliseconds from the call on; `cpuMs` is the process's own. */
interface Sample {
  readonly loadMs: number;
  readonly readyMs: number;
  readonly topicMs: number;
  readonly storedMs: number;
  readonly consumedMs: number;
  readonly cpuMs: number;
  readonly stopMs: number;
}

const RUN_MS_MAX = 30_000;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "11" },
    brokers: { type: "string", default: "1" },
    storage: { type: "string", default: "memory" },
    parts: { type: "boolean", default: false },
    once: { type: "boolean", default: false },
  },
});

async function runOnce(): Promise<Sample> {
  const beforeLoad = performance.now();
  const { startTestCluster } = await import("@stratalog/testing");
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  const at = (): number => performance.now() - startMs;
  const cluster = await startTestCluster({
    brokers: values.brokers === "3" ? 3 : 1,
    storage: values.storage === "directory" ? "directory" : "memory",
  });
  const readyMs = at();
  const log = cluster.connect();
  await log.admin().createTopic({ name: "orders", partitions: 1 });
  const topicMs = at();
  await log.producer().send({ topic: "orders", value: "first" });
  const storedMs = at();
  const consumer = log.consumer({ group: "billing", topics: ["orders"], fromBeginning: true });
  for await (const record of consumer) if (record.text() === "first") break;
  const consumedMs = at();
  const { user, system } = process.cpuUsage(startCpu);
  await log.close();
  await cluster.stop();
  const stopMs = at() - consumedMs;
  const loadMs = startMs - beforeLoad;
  const cpuMs = (user + system) / 1_000;
  return { loadMs, readyMs, topicMs, storedMs, consumedMs, cpuMs, stopMs };
}

function runInProcess(): Promise<Sample> {
  const flags = ["--brokers", values.brokers, "--storage", values.storage, "--once"];
  const path = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...process.execArgv, path, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: RUN_MS_MAX,
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      // The child's own line, made a few lines above.
      if (code === 0) resolve(JSON.parse(output) as Sample);
      else reject(new Error(`a run ended with ${code}`));
    });
  });
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

async function main(): Promise<void> {
  if (values.once) {
    console.log(JSON.stringify(await runOnce()));
    return;
  }
  const samples: Sample[] = [];
  for (let run = 0; run < Number(values.runs); run++) samples.push(await runInProcess());
  const of = (part: keyof Sample): number => median(samples.map((sample) => sample[part]));
  const worst = Math.round(Math.max(...samples.map(({ consumedMs }) => consumedMs)));
  console.log(
    `${values.brokers} broker(s), ${values.storage}: first consumed record after ` +
      `${of("consumedMs")} ms (median of ${samples.length} processes, slowest ${worst} ms), ` +
      `${of("cpuMs")} ms of processor time`,
  );
  if (!values.parts) return;
  const parts = ["loadMs", "readyMs", "topicMs", "storedMs", "consumedMs", "stopMs"] as const;
  for (const part of parts) console.log(`${part.padEnd(12)} ${of(part)}`);
}

await main();
