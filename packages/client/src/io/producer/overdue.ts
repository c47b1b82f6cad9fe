import { CodedError } from "@stratalog/base";
import type { PartitionQueue } from "../../core/partition-queue.ts";
import type { ProduceBatch } from "../../core/produce-batch.ts";

/** Why a batch is given up that could not be stored in time: what kept it, and what that means. */
export function overdueError(
  queue: PartitionQueue,
  batch: ProduceBatch,
  deliveryTimeoutMs: number,
): CodedError {
  const { lastError, mayBeStored } = batch;
  const { topic, partition } = queue;
  const why = lastError === undefined ? "" : `: ${lastError.message}`;
  const outcome = mayBeStored ? ". It may be stored all the same" : "";
  const code = mayBeStored || lastError === undefined ? "REQUEST_TIMED_OUT" : lastError.code;
  return new CodedError(
    code,
    `a batch for ${topic}/${partition} was not stored within ${deliveryTimeoutMs} ms${why}${outcome}`,
    { cause: lastError, details: { topic, partition } },
  );
}
