import type { Stratalog } from "@stratalog/client";
import { type Acknowledged, isWhole } from "./lane.ts";

/** Values of the cluster by topic, partition and offset. */
export type Contents = ReadonlyMap<string, string>;

const PROBLEMS_MAX = 20;

/** Where a record is. */
export function placeOf(topic: string, partition: number, offset: bigint): string {
  return `${topic}/${partition}/${offset}`;
}

/** All records of the topics, as a replay from the start to the end gives them. */
export async function readAll(
  client: Stratalog,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<Contents> {
  const contents = new Map<string, string>();
  for (const topic of topics) {
    for await (const record of client.replay({ topic, signal })) {
      contents.set(placeOf(topic, record.partition, record.offset), record.text() ?? "");
    }
  }
  return contents;
}

/**
 * What is wrong with the contents: an acknowledged record that is not where it was said to be, a
 * record that nobody sent, a record that is there twice.
 */
export function problemsOf(
  acknowledged: readonly Acknowledged[],
  contents: Contents,
): readonly string[] {
  const problems: string[] = [];
  for (const { topic, partition, offset, value } of acknowledged) {
    const place = placeOf(topic, partition, offset);
    const found = contents.get(place);
    if (found !== value) problems.push(`lost: ${shown(value)} at ${place}: found ${shown(found)}`);
  }
  const seen = new Map<string, string>();
  for (const [place, value] of contents) {
    if (!isWhole(value)) problems.push(`nobody sent what is at ${place}: ${shown(value)}`);
    const earlier = seen.get(value);
    if (earlier !== undefined) {
      problems.push(`twice: ${shown(value)} at ${earlier} and ${place}`);
    }
    seen.set(value, place);
  }
  return shortened(problems);
}

function shortened(problems: readonly string[]): readonly string[] {
  if (problems.length <= PROBLEMS_MAX) return problems;
  const rest = problems.length - PROBLEMS_MAX;
  return [...problems.slice(0, PROBLEMS_MAX), `and ${rest} more`];
}

function shown(value: string | undefined): string {
  return value === undefined ? "nothing" : `"${value.slice(0, 40)}"`;
}
