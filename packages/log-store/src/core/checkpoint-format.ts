import { decodeUtf8Strict, encodeUtf8 } from "@stratalog/base";
import { type GroupDescriptor, isCount, parseGroupDescriptor } from "./group-descriptor.ts";
import type { StoredHardState } from "./hard-state.ts";
import type { TermRun } from "./term-runs.ts";

// Checkpoints live in the key-value store, one value per group, one per segment, one for the WAL;
// JSON, version 1. The store guards each value with its own checksum. What a checkpoint says is
// durable in the files that it names.

/** One segment as a checkpoint knows it: its first `sizeBytes` bytes are synced and trusted. */
export interface SegmentFacts {
  readonly baseIndex: number;
  readonly baseOffset: number;
  readonly lastIndex: number;
  /** Offset after the segment's last record. */
  readonly nextOffset: number;
  readonly sizeBytes: number;
  /** Largest record time in it, −1 when it has no records. */
  readonly maxTimestampMs: number;
  /** The broker's wall clock when the segment was made. */
  readonly createdMs: number;
  /** Tells it from an earlier segment of the same name. */
  readonly identity: number;
  /** Sealed: never written again. */
  readonly isSealed: boolean;
}

/** State of one group after every WAL record of the batches up to `batch`. */
export interface GroupCheckpoint {
  readonly descriptor: GroupDescriptor;
  readonly batch: number;
  readonly firstIndex: number;
  readonly firstOffset: number;
  readonly lastIndex: number;
  readonly nextOffset: number;
  readonly logStartOffset: number;
  /** Frames at and below this index may be removed. */
  readonly droppableIndex: number;
  readonly termBefore: number;
  readonly termRuns: readonly TermRun[];
  /** Indexes of the membership changes in the log, so that no start has to scan for them. */
  readonly configIndexes: readonly number[];
  readonly hardState: StoredHardState;
  /** Why the replica may not vote, lead or acknowledge; stays until the group is dropped. */
  readonly damage?: string;
}

/** State of the WAL. */
export interface WalCheckpoint {
  /** Recovery begins with this batch, a head. */
  readonly replayFrom: number;
  /** Every batch up to this one was synced. */
  readonly syncedThrough: number;
}

const VERSION = 1;
const GROUP_DIGITS = 10;
const INDEX_DIGITS = 20;
const PREFIX = "log/";

/** All keys of the log store, as a half-open range. */
export const CHECKPOINT_KEYS = { from: PREFIX, to: "log0" } as const;
/** Key of the WAL's checkpoint. */
export const WAL_KEY = `${PREFIX}wal`;

/** Key of a group's checkpoint. */
export function groupKey(group: number): string {
  return `${PREFIX}group/${String(group).padStart(GROUP_DIGITS, "0")}`;
}

/** Key of a segment's facts. */
export function segmentKey(group: number, baseIndex: number): string {
  const digits = String(baseIndex).padStart(INDEX_DIGITS, "0");
  return `${PREFIX}segment/${String(group).padStart(GROUP_DIGITS, "0")}/${digits}`;
}

const GROUP_KEY = /^log\/group\/(\d{10})$/;
const SEGMENT_KEY = /^log\/segment\/(\d{10})\/(\d{20})$/;

/** What a key is about, or undefined for a key of another kind. */
export function parseCheckpointKey(
  key: string,
):
  | { readonly kind: "wal" }
  | { readonly kind: "group"; readonly group: number }
  | { readonly kind: "segment"; readonly group: number; readonly baseIndex: number }
  | undefined {
  if (key === WAL_KEY) return { kind: "wal" };
  const group = GROUP_KEY.exec(key);
  if (group !== null) return { kind: "group", group: Number(group[1]) };
  const segment = SEGMENT_KEY.exec(key);
  if (segment === null) return undefined;
  return { kind: "segment", group: Number(segment[1]), baseIndex: Number(segment[2]) };
}

/** The stored form of a checkpoint value. */
export function encodeCheckpoint(
  value: GroupCheckpoint | SegmentFacts | WalCheckpoint,
): Uint8Array {
  return encodeUtf8(JSON.stringify({ version: VERSION, ...value }));
}

export function decodeWalCheckpoint(bytes: Uint8Array): WalCheckpoint | undefined {
  const fields = parseFields(bytes);
  if (fields === undefined) return undefined;
  const { replayFrom, syncedThrough } = fields;
  return isCount(replayFrom) && isCount(syncedThrough) ? { replayFrom, syncedThrough } : undefined;
}

export function decodeSegmentFacts(bytes: Uint8Array): SegmentFacts | undefined {
  const fields = parseFields(bytes);
  if (fields === undefined) return undefined;
  const { baseIndex, baseOffset, lastIndex, nextOffset, sizeBytes } = fields;
  const { maxTimestampMs, createdMs, identity, isSealed } = fields;
  if (!isCount(baseIndex) || !isCount(baseOffset) || !isCount(lastIndex)) return undefined;
  if (!isCount(nextOffset) || !isCount(sizeBytes) || !isCount(createdMs)) return undefined;
  if (!isCount(identity) || typeof isSealed !== "boolean") return undefined;
  if (typeof maxTimestampMs !== "number" || !Number.isSafeInteger(maxTimestampMs)) return undefined;
  return {
    baseIndex,
    baseOffset,
    lastIndex,
    nextOffset,
    sizeBytes,
    maxTimestampMs,
    createdMs,
    identity,
    isSealed,
  };
}

export function decodeGroupCheckpoint(bytes: Uint8Array): GroupCheckpoint | undefined {
  const fields = parseFields(bytes);
  const descriptor = parseGroupDescriptor(fields?.["descriptor"]);
  const hardState = parseHardState(fields?.["hardState"]);
  if (fields === undefined || descriptor === undefined || hardState === undefined) return undefined;
  const { batch, firstIndex, firstOffset, lastIndex, nextOffset } = fields;
  const { logStartOffset, droppableIndex, termBefore, damage } = fields;
  if (!isCount(batch) || !isCount(firstIndex) || !isCount(firstOffset)) return undefined;
  if (!isCount(lastIndex) || !isCount(nextOffset) || !isCount(logStartOffset)) return undefined;
  if (!isCount(droppableIndex) || !isCount(termBefore)) return undefined;
  if (damage !== undefined && typeof damage !== "string") return undefined;
  const termRuns = parseTermRuns(fields["termRuns"]);
  const configIndexes = fields["configIndexes"];
  if (termRuns === undefined) return undefined;
  if (!Array.isArray(configIndexes) || !configIndexes.every(isCount)) return undefined;
  return {
    descriptor,
    batch,
    firstIndex,
    firstOffset,
    lastIndex,
    nextOffset,
    logStartOffset,
    droppableIndex,
    termBefore,
    termRuns,
    configIndexes,
    hardState,
    ...(damage === undefined ? {} : { damage }),
  };
}

type Fields = Partial<Record<string, unknown>>;

function parseFields(bytes: Uint8Array): Fields | undefined {
  const text = decodeUtf8Strict(bytes);
  if (text === undefined) return undefined;
  const value = parseJson(text);
  if (typeof value !== "object" || value === null) return undefined;
  const fields: Fields = { ...value };
  return fields["version"] === VERSION ? fields : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Malformed text is an outcome that the callers report as damage.
    return undefined;
  }
}

function parseHardState(value: unknown): StoredHardState | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields: Fields = { ...value };
  const { term, vote, commit } = fields;
  return isCount(term) && isCount(vote) && isCount(commit) ? { term, vote, commit } : undefined;
}

function parseTermRuns(value: unknown): TermRun[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const runs: TermRun[] = [];
  for (const item of value as unknown[]) {
    if (typeof item !== "object" || item === null) return undefined;
    const fields: Fields = { ...item };
    const { term, startIndex, startOffset } = fields;
    if (!isCount(term) || !isCount(startIndex) || !isCount(startOffset)) return undefined;
    runs.push({ term, startIndex, startOffset });
  }
  return runs;
}
