import type { GroupNumber } from "@stratalog/base";
import { LogStore } from "@stratalog/log-store";
import type { BrokerConfig } from "../config/broker-config.ts";
import { BrokerDirectory } from "../directory/broker-directory.ts";
import { DiskBallast } from "../directory/disk-ballast.ts";
import { GuardedKeyValueStore } from "../directory/guarded-key-value-store.ts";
import type { Environment } from "../environment.ts";
import type { StopStep } from "./stop-order.ts";
import type { StopSequence } from "./stop-sequence.ts";

/** Where everything durable is. */
export interface Storage {
  readonly directory: BrokerDirectory;
  readonly logs: LogStore;
}

/**
 * Locks the data directory and recovers its logs. Rejects with DIRECTORY_IN_USE,
 * DIRECTORY_UNUSABLE or STORAGE_DAMAGED, and with INVALID_CONFIG when the disk is too small for its
 * reserve.
 */
export async function openStorage(
  environment: Environment,
  config: BrokerConfig,
  stops: StopSequence<StopStep>,
  onDamaged: (group: GroupNumber, reason: string) => void,
): Promise<Storage> {
  const { fileSystem, random, clock, timers, logger } = environment;
  const ballast = new DiskBallast({
    fileSystem,
    directory: config.dataDir,
    reserveBytes: config.storage.diskReserveBytes,
    timers: environment.steadyTime.timers,
    logger: logger.child({ part: "disk" }),
  });
  stops.add("ballast", () => ballast.stop());
  const directory = await BrokerDirectory.open({
    path: config.dataDir,
    brokerId: config.nodeId,
    fileSystem,
    random,
    openKeyValueStore: async (path) => {
      await ballast.open();
      return new GuardedKeyValueStore(await environment.openKeyValueStore(path), {
        room: (bytes) => ballast.room(bytes),
        onFailed: (error) => environment.onFatal("the key-value store cannot write", error),
      });
    },
  });
  stops.add("data directory", () => directory.close());
  const { walFileBytes, checkpointIntervalMs, tailCacheBytes, flushBytes, flushMs } =
    config.storage;
  const startMs = clock.monotonicMs();
  const logs = await LogStore.open({
    fileSystem,
    keyValue: directory.keyValue,
    clock,
    timers,
    logger: logger.child({ part: "log-store" }),
    directory: config.dataDir,
    onFatal: (error) => environment.onFatal("the log store cannot write", error),
    onDamaged,
    walFileBytes,
    checkpointIntervalMs,
    tailCacheBytes,
    flushBytes,
    flushMs,
    indexIntervalBytes: config.storage.indexIntervalBytes,
    diskReserveBytes: config.storage.diskReserveBytes,
    segmentBytes: config.topicDefaults.segmentBytes,
  });
  stops.add("log store", () => logs.close());
  const durationMs = Math.round(clock.monotonicMs() - startMs);
  logger.info({ groups: logs.groups().length, durationMs }, "logs recovered");
  return { directory, logs };
}
