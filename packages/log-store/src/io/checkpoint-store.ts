import { CodedError, type KeyValueChange, type KeyValueStore } from "@stratalog/base";
import {
  CHECKPOINT_KEYS,
  decodeGroupCheckpoint,
  decodeSegmentFacts,
  decodeWalCheckpoint,
  encodeCheckpoint,
  type GroupCheckpoint,
  groupKey,
  parseCheckpointKey,
  type SegmentFacts,
  segmentKey,
  WAL_KEY,
  type WalCheckpoint,
} from "../core/checkpoint-format.ts";

/** Everything that the checkpoint store holds. */
export interface StoredCheckpoints {
  /** Undefined in a directory that was never opened before. */
  readonly wal: WalCheckpoint | undefined;
  readonly groups: ReadonlyMap<number, GroupCheckpoint>;
  /** Facts by group, ascending by base index. */
  readonly segments: ReadonlyMap<number, readonly SegmentFacts[]>;
}

/** Reads all checkpoints. Rejects with STORAGE_DAMAGED when one does not parse. */
export async function readCheckpoints(keyValue: KeyValueStore): Promise<StoredCheckpoints> {
  let wal: WalCheckpoint | undefined;
  const groups = new Map<number, GroupCheckpoint>();
  const segments = new Map<number, SegmentFacts[]>();
  for await (const [key, value] of keyValue.entries(CHECKPOINT_KEYS)) {
    const parsed = parseCheckpointKey(key);
    if (parsed === undefined) throw damagedValue(key);
    if (parsed.kind === "wal") {
      wal = checked(key, decodeWalCheckpoint(value));
    } else if (parsed.kind === "group") {
      groups.set(parsed.group, checked(key, decodeGroupCheckpoint(value)));
    } else {
      const facts = checked(key, decodeSegmentFacts(value));
      const list = segments.get(parsed.group) ?? [];
      list.push(facts);
      segments.set(parsed.group, list);
    }
  }
  return { wal, groups, segments };
}

function checked<T>(key: string, value: T | undefined): T {
  if (value === undefined) throw damagedValue(key);
  return value;
}

function damagedValue(key: string): CodedError {
  return new CodedError(
    "STORAGE_DAMAGED",
    `the checkpoint "${key}" cannot be read; restore the data directory or replace this broker`,
    { details: { key } },
  );
}

/** The change that stores the WAL's checkpoint. */
export function putWal(checkpoint: WalCheckpoint): KeyValueChange {
  return { type: "put", key: WAL_KEY, value: encodeCheckpoint(checkpoint) };
}

/** The change that stores a group's checkpoint. */
export function putGroup(checkpoint: GroupCheckpoint): KeyValueChange {
  const key = groupKey(checkpoint.descriptor.group);
  return { type: "put", key, value: encodeCheckpoint(checkpoint) };
}

/** The changes that remove all that is stored of a group. */
export async function deleteGroup(
  keyValue: KeyValueStore,
  group: number,
): Promise<readonly KeyValueChange[]> {
  const changes: KeyValueChange[] = [{ type: "delete", key: groupKey(group) }];
  const range = { from: segmentKey(group, 0), to: segmentKey(group, Number.MAX_SAFE_INTEGER) };
  for await (const [key] of keyValue.entries(range)) changes.push({ type: "delete", key });
  return changes;
}
