import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  groupNumber,
  type KeyValueStore,
  machineClock,
  machineTimers,
  silentLogger,
} from "@stratalog/base";
import { loadBrokerConfig, nodeEnvironment } from "@stratalog/broker";
import {
  createFrame,
  type Frame,
  type GroupLog,
  type GroupWrite,
  LogStore,
  type LogStoreOptions,
  NodeFileSystem,
} from "@stratalog/log-store";
import { BatchBuilder, patchBaseOffset, patchLeaderEpoch } from "@stratalog/record-batch";

/** A log store on the machine's disk, as a broker opens it, in a directory of its own. */
export interface TemporaryStore {
  readonly store: LogStore;
  readonly keyValue: KeyValueStore;
  readonly directory: string;
}

/** A directory under the system's temporary one; its owner removes it. */
export function temporaryDirectory(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `strata-${name}-`));
}

/** Opens a store and the LevelDB beside it. */
export async function openStore(
  directory: string,
  options: Partial<LogStoreOptions> = {},
): Promise<TemporaryStore> {
  const config = loadBrokerConfig({ flags: ["node.id=1", `data.dir=${directory}`] });
  const environment = nodeEnvironment(config, { logger: silentLogger });
  const keyValue = await environment.openKeyValueStore(join(directory, "kv"));
  const store = await LogStore.open({
    fileSystem: new NodeFileSystem(),
    keyValue,
    clock: machineClock,
    timers: machineTimers,
    logger: silentLogger,
    directory,
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });
  return { store, keyValue, directory };
}

/** Stops it cleanly. */
export async function closeStore({ store, keyValue }: TemporaryStore): Promise<void> {
  await store.close();
  await keyValue.close();
}

export function removeDirectory(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true });
}

/** Makes partitions 1 to `count`. */
export async function createLogs(store: LogStore, count: number): Promise<readonly GroupLog[]> {
  const logs: GroupLog[] = [];
  for (let group = 1; group <= count; group++) {
    const descriptor = { group: groupNumber(group), kind: "partition", replicaEpoch: 1 } as const;
    logs.push(await store.createGroup(descriptor));
  }
  return logs;
}

/** A record batch of one record, to be copied for each frame. */
export function batchOf(value: Uint8Array): Uint8Array {
  const builder = new BatchBuilder();
  builder.append({ key: null, value, timestampMs: 1_700_000_000_000 });
  return builder.build();
}

/** The next frame of a log, made of a copy of a batch. */
export function nextFrame(
  log: { readonly lastIndex: number; readonly nextOffset: number },
  template: Uint8Array,
): Frame {
  // A view of a larger buffer, as batches are that come from a connection.
  const payload: Uint8Array = Buffer.from(template);
  patchBaseOffset(payload, 0, log.nextOffset);
  patchLeaderEpoch(payload, 0, 1);
  const place = { term: 1, index: log.lastIndex + 1, baseOffset: log.nextOffset, span: 1 };
  return createFrame({ kind: "data", ...place, payload });
}

/** A write of the next frame, which commits everything before it. */
export function nextWrite(log: GroupLog, template: Uint8Array): GroupWrite {
  const hardState = { term: 1, vote: 1, commit: log.lastIndex };
  return { group: log.descriptor.group, frames: [nextFrame(log, template)], hardState };
}

/** Resolves when the writes are synced. */
export function written(store: LogStore, writes: readonly GroupWrite[]): Promise<void> {
  return new Promise((resolve) => store.write(writes, resolve));
}

const waits = new WeakMap<LogStore, Promise<void>>();

/** Waits while the store asks writers to hold back; all who wait share one look at it. */
export function whileOverloaded(store: LogStore): Promise<void> | undefined {
  return store.isOverloaded ? waitUntil(store, () => !store.isOverloaded) : undefined;
}

/** Waits until all that was written lies in segments. */
export async function untilFlushed(store: LogStore): Promise<void> {
  await waitUntil(store, () => store.stats().pinnedBytes === 0);
}

function waitUntil(store: LogStore, isOver: () => boolean): Promise<void> {
  const known = waits.get(store);
  if (known !== undefined) return known;
  const look = async (): Promise<void> => {
    while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 2));
    waits.delete(store);
  };
  const waiting = look();
  waits.set(store, waiting);
  return waiting;
}
