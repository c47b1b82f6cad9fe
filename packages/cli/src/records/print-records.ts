import type { ConsumedRecord } from "@stratalog/client";
import type { CommandContext } from "../commands/command-context.ts";
import { recordAsJson, recordAsText } from "./record-text.ts";

/** How many records to print and how. */
export interface PrintOptions {
  readonly max?: number;
  readonly json?: boolean;
}

/**
 * Prints records, a line each, until they end, `max` are printed, or Ctrl-C. Resolves to their
 * number.
 */
export async function printRecords(
  records: AsyncIterable<ConsumedRecord>,
  options: PrintOptions,
  context: CommandContext,
): Promise<number> {
  const { output, signal } = context;
  const format = options.json === true ? recordAsJson : recordAsText;
  let count = 0;
  for await (const record of records) {
    if (signal.aborted) break;
    const { topic, partition, offset, timestamp, key, value, headers } = record;
    output.line(format({ topic, partition, offset, timestampMs: timestamp, key, value, headers }));
    count += 1;
    if (count === options.max) break;
  }
  return count;
}
