import type { Stratalog } from "@stratalog/client";
import { machineClock } from "@stratalog/base";

/** Which topic a measurement writes to. */
export interface BenchTopic {
  /** An existing topic, which is kept; undefined for one of its own, which is deleted after. */
  readonly topic?: string;
  readonly partitions: number;
}

/** Runs a measurement over its topic; a topic that was made for it goes whatever happens. */
export async function withBenchTopic<T>(
  client: Stratalog,
  { topic, partitions }: BenchTopic,
  measure: (topic: string) => Promise<T>,
): Promise<T> {
  if (topic !== undefined) return measure(topic);
  const name = `strata-bench-${Math.round(machineClock.wallMs()).toString(36)}-${process.pid}`;
  await client.admin().createTopic({ name, partitions });
  try {
    return await measure(name);
  } finally {
    await client.admin().deleteTopic(name);
  }
}

/** A value that does not compress to nothing, the same in every run. */
export function benchValue(sizeBytes: number): Uint8Array {
  return new Uint8Array(sizeBytes).map((_, position) => (position * 31 + (position >> 8)) & 0xff);
}
