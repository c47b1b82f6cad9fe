// The program of a load process: does the task of its first argument and sends the result.
import process from "node:process";
import { connect, type Stratalog } from "@stratalog/client";
import { latencyLoad } from "./latency-load.ts";
import { produceLoad } from "./produce-load.ts";
import type { Task, TaskResult } from "./task.ts";

async function replay(client: Stratalog, topic: string): Promise<[count: number, bytes: number]> {
  let [count, bytes] = [0, 0];
  for await (const record of client.replay({ topic })) {
    count++;
    bytes += record.value?.length ?? 0;
  }
  return [count, bytes];
}

/** A small round first: it opens connections and compiles code. */
async function warm(client: Stratalog, task: Task & { kind: "produce" | "replay" }): Promise<void> {
  const topic = `warm-${task.valueBytes}`;
  if (task.kind === "replay") await replay(client, topic);
  else await produceLoad(client, { ...task, topic, totalBytes: task.warmBytes });
}

async function run(client: Stratalog, task: Task): Promise<TaskResult> {
  if (task.kind === "latency") return { kind: "latency", ...(await latencyLoad(client, task)) };
  await warm(client, task);
  await permission();
  const before = process.cpuUsage();
  const startMs = performance.now();
  let counted: [count: number, bytes: number];
  if (task.kind === "replay") {
    counted = await replay(client, task.topic);
  } else {
    const recordCount = await produceLoad(client, task);
    counted = [recordCount, recordCount * task.valueBytes];
  }
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(before);
  const [recordCount, payloadBytes] = counted;
  const clientCpuSeconds = (user + system) / 1e6;
  return { kind: "rate", recordCount, payloadBytes, elapsedMs, clientCpuSeconds };
}

/** Says that the work can begin, and waits until the clocks of others run. */
function permission(): Promise<void> {
  process.send?.({ kind: "ready" });
  return new Promise((resolve) => process.once("message", () => resolve()));
}

const [argument] = process.argv.slice(2);
if (argument === undefined || process.send === undefined) {
  throw new Error("this program is started by canonical.ts");
}
// Written by canonical.ts in the same commit.
const task = JSON.parse(argument) as Task;
await using client = connect({ brokers: [...task.brokers] });
const result = await run(client, task);
process.send(result, () => process.disconnect());
