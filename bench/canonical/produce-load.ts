import type { Stratalog } from "@stratalog/client";
import { recordPool } from "./records.ts";

/** Records whose results are not there yet, in bytes and in number. */
const WINDOW_BYTES = 24 * 1024 * 1024;
const WINDOW_COUNT = 90_000;
/** Records of one call: what a program has at hand when it reads a file or a table. */
const CALL_COUNT = 500;

/** What to send. */
export interface ProduceLoad {
  readonly topic: string;
  readonly valueBytes: number;
  readonly totalBytes: number;
}

/**
 * Sends keyed records as fast as the cluster takes them, and resolves once each has its place: a
 * partition and an offset. Gives their number; rejects with the first failure.
 */
export async function produceLoad(client: Stratalog, load: ProduceLoad): Promise<number> {
  const { topic, valueBytes, totalBytes } = load;
  const { keys, values } = recordPool(valueBytes);
  const recordCount = Math.ceil(totalBytes / valueBytes);
  const windowCount = Math.min(WINDOW_COUNT, Math.ceil(WINDOW_BYTES / valueBytes));
  await using producer = client.producer();
  let sentCount = 0;
  let placedCount = 0;
  let failure: unknown;
  let wake = (): void => {};
  const oneMoreCall = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  while (sentCount < recordCount) {
    const records = Array.from({ length: Math.min(CALL_COUNT, recordCount - sentCount) }, () => {
      const key = keys[sentCount % keys.length] ?? "";
      const value = values[sentCount % values.length] ?? new Uint8Array(0);
      sentCount++;
      return { key, value };
    });
    producer.sendBatch({ topic, records }).then(
      (results) => {
        placedCount += results.length;
        wake();
      },
      (error: unknown) => {
        failure ??= error;
        wake();
      },
    );
    while (sentCount - placedCount >= windowCount && failure === undefined) await oneMoreCall();
    if (failure !== undefined) throw failure;
  }
  while (placedCount < recordCount && failure === undefined) await oneMoreCall();
  if (failure !== undefined) throw failure;
  return placedCount;
}
