import { type ConsumedRecord, type DeadLetter, originalHeaders } from "@stratalog/client";
import { recordAsJson, recordAsText } from "../records/record-text.ts";

/** A dead letter as one line of JSON: the record as it was, where it came from, and why it failed. */
export function letterAsJson(record: ConsumedRecord, letter: DeadLetter | undefined): string {
  const { topic, partition, offset } = record;
  const origin =
    letter === undefined
      ? null
      : {
          topic: letter.topic,
          partition: letter.partition,
          offset: String(letter.offset),
          group: letter.group,
        };
  const failure =
    letter === undefined
      ? null
      : {
          error: letter.error,
          code: letter.code,
          attempts: letter.attempts,
          at: letter.failedAtMs,
        };
  const original: unknown = JSON.parse(recordAsJson(printedOf(record)));
  return JSON.stringify({
    topic,
    partition,
    offset: String(offset),
    origin,
    failure,
    record: original,
  });
}

/** A dead letter for people, in two lines: where and why, then the record. */
export function letterAsText(record: ConsumedRecord, letter: DeadLetter | undefined): string {
  const text = recordAsText(printedOf(record));
  const place = `${record.partition}/${record.offset}`;
  if (letter === undefined) return `${place}  not a dead letter\n  ${text}`;
  const { topic, partition, offset, attempts, error, group, failedAtMs } = letter;
  const when = new Date(failedAtMs).toISOString();
  const who = group === "" ? "" : ` by ${group}`;
  const often = attempts === 1 ? "once" : `${attempts} times`;
  return `${place}  ${when}  ${topic}/${partition} at ${offset}, tried ${often}${who}: ${error}\n  ${text}`;
}

function printedOf(record: ConsumedRecord): Parameters<typeof recordAsJson>[0] {
  const { topic, partition, offset, timestamp, keyBytes: key, valueBytes: value } = record;
  const headers = originalHeaders(record.headers);
  return { topic, partition, offset, timestampMs: timestamp, key, value, headers };
}
