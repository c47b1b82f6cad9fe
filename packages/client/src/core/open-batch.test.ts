import { BATCH_RECORDS_MAX, recordCountOf } from "@stratalog/record-batch";
import { expect, test } from "vitest";
import { BatchBuffers } from "./batch-buffers.ts";
import { PartitionQueue } from "./partition-queue.ts";

test("a batch ends at the records that brokers take, however small they are", () => {
  const queue = new PartitionQueue({
    topic: "orders",
    partition: 0,
    kind: "plain",
    buffers: new BatchBuffers({ bufferBytes: 1024, keptBytesMax: 1024 }),
    maxBatchBytes: 15 << 20,
    isIdempotent: false,
    maxInFlight: 5,
  });
  const record = { key: null, value: null, timestampMs: 1 } as const;
  for (let count = 0; count < BATCH_RECORDS_MAX; count++) {
    expect(queue.append(record, 0, undefined).closed).toBe(undefined);
  }
  const { closed } = queue.append(record, 0, undefined);
  expect(closed?.recordCount).toBe(BATCH_RECORDS_MAX);
  expect(recordCountOf(closed?.bytes ?? new Uint8Array(61), 0)).toBe(BATCH_RECORDS_MAX);
  expect(queue.open?.recordCount).toBe(1);
});
