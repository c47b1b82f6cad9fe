import { decodeUtf8, encodeUtf8 } from "@stratalog/base";
import type { RecordHeader } from "@stratalog/record-batch";

/** Where a record came from that no handler could deal with, and why it is where it is. */
export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The group whose handler failed; empty for a consumer without one. */
  readonly group: string;
  /** The last attempt's error, at most 1,000 characters. */
  readonly error: string;
  /** Code of the error; empty when it has none. */
  readonly code: string;
  /** How often the handler was called. */
  readonly attempts: number;
  /** When it was given up, milliseconds since 1970. */
  readonly failedAtMs: number;
}

/** The first of the headers that a dead letter has after the record's own. */
const FIRST = "dlq.topic";
const ERROR_LENGTH_MAX = 1_000;

/** Topic for what a topic's handlers could not deal with, unless another is named. */
export function deadLetterTopicOf(topic: string): string {
  return `${topic}.dlq`;
}

/** Text and code of whatever a handler threw. */
export function describeFailure(error: unknown): Pick<DeadLetter, "error" | "code"> {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const isCoded = error instanceof Error && "code" in error && typeof error.code === "string";
  return { error: text.slice(0, ERROR_LENGTH_MAX), code: isCoded ? String(error.code) : "" };
}

/** A record's headers with those that say where it came from and why, which come last. */
export function withDeadLetterHeaders(
  headers: readonly RecordHeader[],
  letter: DeadLetter,
): readonly RecordHeader[] {
  const facts: readonly (readonly [string, string | number])[] = [
    [FIRST, letter.topic],
    ["dlq.partition", letter.partition],
    ["dlq.offset", letter.offset],
    ["dlq.group", letter.group],
    ["dlq.error", letter.error],
    ["dlq.code", letter.code],
    ["dlq.attempts", letter.attempts],
    ["dlq.failed.at", letter.failedAtMs],
  ];
  const own = headers.map(({ key, value }) => ({ key, value }));
  return [...own, ...facts.map(([key, value]) => ({ key, value: encodeUtf8(String(value)) }))];
}

/** What the headers say; undefined when the record is no dead letter. */
export function readDeadLetter(headers: readonly RecordHeader[]): DeadLetter | undefined {
  const first = firstOf(headers);
  if (first < 0) return undefined;
  const texts = new Map(
    headers
      .slice(first)
      .map(({ key, value }) => [key, value === null ? "" : decodeUtf8(value)] as const),
  );
  const text = (name: string): string => texts.get(name) ?? "";
  const count = (name: string): number => Number(texts.get(name) ?? Number.NaN);
  const letter: DeadLetter = {
    topic: text(FIRST),
    partition: count("dlq.partition"),
    offset: count("dlq.offset"),
    group: text("dlq.group"),
    error: text("dlq.error"),
    code: text("dlq.code"),
    attempts: count("dlq.attempts"),
    failedAtMs: count("dlq.failed.at"),
  };
  const numbers = [letter.partition, letter.offset, letter.attempts, letter.failedAtMs];
  const isWhole = numbers.every((each) => Number.isSafeInteger(each) && each >= 0);
  return isWhole && letter.topic !== "" ? letter : undefined;
}

/** The headers that the record had before it became a dead letter. */
export function originalHeaders(headers: readonly RecordHeader[]): readonly RecordHeader[] {
  const first = firstOf(headers);
  return first < 0 ? headers : headers.slice(0, first);
}

/** A dead letter of a dead letter has the block twice; the last one is its own. */
function firstOf(headers: readonly RecordHeader[]): number {
  return headers.findLastIndex(({ key }) => key === FIRST);
}
