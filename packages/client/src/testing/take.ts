import type { Consumer } from "../io/consume/consumer.ts";

/** The values of the next records, which are numbers; leaves the loop with the last one in hand. */
export async function take(consumer: Consumer, count: number): Promise<readonly number[]> {
  const seen: number[] = [];
  if (count === 0) return seen;
  for await (const record of consumer) {
    seen.push(Number(record.text()));
    if (seen.length === count) break;
  }
  return seen;
}
