import type { Clock, GroupNumber, KeyValueStore, Logger, Timers } from "@stratalog/base";
import type { FileSystem } from "../ports/file-system.ts";

/** How a log store is opened. Everything that touches the outside is a port. */
export interface LogStoreOptions {
  readonly fileSystem: FileSystem;
  /**
   * Holds the checkpoints, under keys that begin with `log/`. Owned by the caller, who closes it
   * after the log store.
   */
  readonly keyValue: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** The broker's data directory; the log store owns `wal/` and `groups/` in it. */
  readonly directory: string;
  /**
   * A failed write or sync: the process must end. Called once; nothing is called back as durable
   * afterwards.
   */
  onFatal(error: Error): void;
  /**
   * A reader found bytes of a group that are not as they were written, after the store was opened.
   * From now on, also after a restart, the group is listed as damaged: its replica must not vote,
   * lead or acknowledge any more. Default: nobody is told.
   */
  onDamaged?(group: GroupNumber, reason: string): void;
  /** Default 64 MiB. */
  readonly walFileBytes?: number;
  /** WAL files that may be in use before a checkpoint is made for their sake. Default 4. */
  readonly walFilesMax?: number;
  /** Longest time between checkpoints while there is anything to checkpoint. Default 30,000. */
  readonly checkpointIntervalMs?: number;
  /** Default 1 GiB; a group's own value replaces it. */
  readonly segmentBytes?: number;
  /** Age at which a segment is closed; default never. */
  readonly segmentMs?: number;
  /** Bytes of segment between two index rows. Default 4,096. */
  readonly indexIntervalBytes?: number;
  /** Memory for the newest frames of all groups. Default 64 MiB. */
  readonly tailCacheBytes?: number;
  /** A group's frames go to its segment when this many bytes wait … Default 64 KiB. */
  readonly flushBytes?: number;
  /** … or after this time. Default 250. */
  readonly flushMs?: number;
  /**
   * Open files that nobody uses at the moment: more than partitions that are written. Default
   * 4,096.
   */
  readonly openFilesMax?: number;
  /**
   * Free bytes of the disk below which the store reports that it is full: what is left is kept for
   * votes, truncations, retention and checkpoints. 0 for none. Default 256 MiB.
   */
  readonly diskReserveBytes?: number;
}

/** The options with every default filled in. */
export type LogStoreSettings = Required<Omit<LogStoreOptions, "segmentMs">> & {
  readonly segmentMs: number | undefined;
};

const KIB = 1024;
const MIB = 1024 * KIB;

/** Fills in the defaults. */
export function logStoreSettings(options: LogStoreOptions): LogStoreSettings {
  return {
    walFileBytes: 64 * MIB,
    walFilesMax: 4,
    checkpointIntervalMs: 30_000,
    segmentBytes: 1024 * MIB,
    indexIntervalBytes: 4 * KIB,
    tailCacheBytes: 64 * MIB,
    flushBytes: 64 * KIB,
    flushMs: 250,
    openFilesMax: 4096,
    diskReserveBytes: 256 * MIB,
    ...options,
    segmentMs: options.segmentMs,
    onFatal: (error) => options.onFatal(error),
    onDamaged: (group, reason) => options.onDamaged?.(group, reason),
  };
}
