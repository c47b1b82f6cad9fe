import { cp, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CodedError } from "@stratalog/base";
import {
  type Frame,
  type GroupDescriptor,
  inspectLogs,
  type LogReport,
  NodeFileSystem,
} from "@stratalog/log-store";
import { decodeBatch, loadCodec } from "@stratalog/record-batch";
import { LevelKeyValueStore } from "./level-key-value-store.ts";

/** A record as it lies in a data directory. */
export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

/**
 * Reads a stopped broker's data directory without a change to it: the key-value store is opened as
 * a copy, since opening changes it. Rejects with DIRECTORY_IN_USE while a broker has it open, with
 * DIRECTORY_UNUSABLE when it is none, and with STORAGE_DAMAGED when its checkpoints cannot be read.
 */
export async function inspectDataDirectory(
  path: string,
  onFrame?: (frame: Frame, group: GroupDescriptor) => void,
): Promise<LogReport> {
  const directory = resolve(path);
  await refuseOpenDirectory(directory);
  const scratch = await mkdtemp(join(tmpdir(), "strata-log-"));
  try {
    const copy = join(scratch, "kv");
    await cp(join(directory, "kv"), copy, { recursive: true });
    const keyValue = await LevelKeyValueStore.open(copy);
    try {
      const parts = { fileSystem: new NodeFileSystem(), keyValue, directory };
      return await inspectLogs({ ...parts, ...(onFrame === undefined ? {} : { onFrame }) });
    } finally {
      await keyValue.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Gives every record of the partitions' segments, a partition after the other in order of offsets.
 * Returns the report of the same look.
 */
export async function exportDataDirectory(
  path: string,
  onRecord: (record: StoredRecord) => void,
): Promise<LogReport> {
  for (const compression of ["gzip", "zstd"] as const) await loadCodec(compression);
  return inspectDataDirectory(path, (frame, { topic, partition }) => {
    if (frame.kind !== "data" || topic === undefined || partition === undefined) return;
    for (const record of decodeBatch(frame.payload)) {
      onRecord({ ...record, topic, partition, offset: BigInt(record.offset) });
    }
  });
}

/** LevelDB's lock is an advisory one on kv/LOCK: the system lists who holds it, where it does. */
async function refuseOpenDirectory(directory: string): Promise<void> {
  let inode: number;
  try {
    inode = (await stat(join(directory, "kv", "LOCK"))).ino;
  } catch (error) {
    throw new CodedError("DIRECTORY_UNUSABLE", `${directory} is no broker's data directory`, {
      cause: error,
    });
  }
  const locks = await systemLocks();
  if (!locks.some((line) => line.includes(`:${inode} `))) return;
  throw new CodedError("DIRECTORY_IN_USE", `${directory} is in use: stop its broker first`);
}

async function systemLocks(): Promise<readonly string[]> {
  try {
    return (await readFile("/proc/locks", "utf8")).split("\n");
  } catch {
    // Only Linux says who holds a lock; elsewhere the caller has to know that the broker is down.
    return [];
  }
}
