import type { Stratalog } from "@stratalog/client";
import { recordPool } from "./records.ts";

/** Records whose results are not there yet, in bytes and in number. */
const WINDOW_BYTES = 24 * 1024 * 1024;
const WINDOW_COUNT = 90_000;

/** What to send. */
export interface ProduceLoad {
  readonly topic: string;
  readonly valueBytes: number;
  readonly totalBytes: number;
}

/**
 * Sends keyed records as fast as the cluster takes them, each with a promise of its own for its
 * place, and resolves once all have one. Gives their number; rejects with the first failure.
 */
export async function produceLoad(client: Stratalog, load: ProduceLoad): Promise<number> {
  const { topic, valueBytes, totalBytes } = load;
  const { keys, values } = recordPool(valueBytes);
  const recordCount = Math.ceil(totalBytes / valueBytes);
  const windowCount = Math.min(WINDOW_COUNT, 2 * Math.ceil(WINDOW_BYTES / valueBytes / 2));
  await using producer = client.producer();
  let pendingCount = 0;
  let failure: unknown;
  let wake = (): void => {};
  const settle = (): void => {
    pendingCount--;
    if (pendingCount === windowCount / 2 || pendingCount === 0) wake();
  };
  const fail = (error: unknown): void => {
    failure ??= error;
    settle();
  };
  const settled = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  for (let sent = 0; sent < recordCount && failure === undefined; sent++) {
    if (pendingCount >= windowCount) await settled();
    const key = keys[sent % keys.length] ?? "";
    const value = values[sent % values.length] ?? new Uint8Array(0);
    pendingCount++;
    producer.send({ topic, key, value }).then(settle, fail);
  }
  while (pendingCount > 0) await settled();
  if (failure !== undefined) throw failure;
  return recordCount;
}
