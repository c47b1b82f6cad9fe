import { join } from "node:path";
import { decodeUtf8 } from "@stratalog/base";
import { loadBrokerConfig, nodeEnvironment } from "@stratalog/broker";
import { type GroupLog, LogStore } from "@stratalog/log-store";
import { decodeBatch } from "@stratalog/record-batch";
import type { BrokerPlan } from "./broker-process.ts";

const READ_BYTES = 1024 * 1024;

/**
 * What one broker that is stopped has on its disk of a topic, by partition and offset, read
 * without any broker.
 */
export async function storedRecords(
  plan: BrokerPlan,
  topic: string,
): Promise<ReadonlyMap<string, string>> {
  const directory = join(plan.directory, "data");
  const flags = [`node.id=${plan.id}`, `data.dir=${directory}`, "log.level=silent"];
  const environment = nodeEnvironment(loadBrokerConfig({ flags }));
  const keyValue = await environment.openKeyValueStore(join(directory, "kv"));
  const logs = await LogStore.open({
    ...environment,
    keyValue,
    directory,
    walFileBytes: 1024 * 1024,
    onFatal: (error) => {
      throw error;
    },
  });
  const records = new Map<string, string>();
  for (const { group, descriptor, state, reason } of logs.groups()) {
    if (descriptor.topic !== topic) continue;
    if (state === "damaged") throw new Error(`group ${group} is damaged: ${reason}`);
    await readLog(logs.view(group), descriptor.partition ?? 0, records);
  }
  await logs.close();
  await keyValue.close();
  return records;
}

async function readLog(
  log: GroupLog,
  partition: number,
  records: Map<string, string>,
): Promise<void> {
  let fromOffset = log.logStartOffset;
  const endOffset = log.nextOffset;
  while (fromOffset < endOffset) {
    const read = await log.readBatches({ fromOffset, endOffset, maxBytes: READ_BYTES });
    if (read.kind !== "batches" || read.batches.length === 0) {
      throw new Error(`partition ${partition} cannot be read at ${fromOffset} of ${endOffset}`);
    }
    for (const batch of read.batches) {
      for (const { offset, value } of decodeBatch(batch, 0)) {
        records.set(`${partition}/${offset}`, value === null ? "" : decodeUtf8(value));
      }
    }
    fromOffset = read.nextOffset;
  }
}
