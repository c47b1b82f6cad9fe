import { TailBudget } from "../core/tail-budget.ts";
import { indexInterval } from "../core/index-file.ts";
import { INITIAL_HARD_STATE, type StoredHardState } from "../core/hard-state.ts";
import { Gate } from "./gate.ts";
import type { StoreParts } from "./group-entry.ts";
import type { DurablePoint } from "./group-writer.ts";
import { HandleCache } from "./handle-cache.ts";
import { IndexCache } from "./index-cache.ts";
import { ReadBuffers } from "./read-buffers.ts";
import type { RecoveryPoint } from "./recovery.ts";
import { type LogStoreOptions, logStoreSettings } from "./store-options.ts";

/** Cold reads that may wait for the disk at once; libuv has four threads unless told otherwise. */
const COLD_READS_MAX = 2;
/** Sealed segments whose index stays in memory. */
const LOADED_INDEXES_MAX = 256;
const IDENTITY_COUNTER_MAX = 1024;

/** What knows how far the log is durable once recovery is over. */
interface DurableSource {
  readonly durableBatch: number;
  hardStateOf(group: number): StoredHardState;
}

/** The durable end of the log: first what recovery found, then what the WAL says. */
export class SwitchedPoint implements DurablePoint, RecoveryPoint {
  recoveredBatch = 0;
  hardStates: ReadonlyMap<number, StoredHardState> = new Map();
  #source: DurableSource | undefined;

  get batch(): number {
    return this.#source?.durableBatch ?? this.recoveredBatch;
  }

  hardStateOf(group: number): StoredHardState {
    if (this.#source !== undefined) return this.#source.hardStateOf(group);
    return this.hardStates.get(group) ?? INITIAL_HARD_STATE;
  }

  /** From now on the WAL knows. */
  follow(source: DurableSource): void {
    this.#source = source;
  }
}

/** The shared parts while a store is open. */
export interface OpenParts extends StoreParts {
  readonly point: SwitchedPoint;
  /** Called when the WAL has synced another batch. */
  onDurable: (batch: number) => void;
  /** Ends the store: reports the first error, once. */
  readonly fail: (error: unknown) => void;
  hasFailed: boolean;
  /** Called when a group was found damaged, so that it is remembered. */
  onDamaged: () => void;
}

/** Makes what all groups share. */
export function createStoreParts(options: LogStoreOptions): OpenParts {
  const settings = logStoreSettings(options);
  const { fileSystem, clock, logger } = settings;
  const point = new SwitchedPoint();
  let identityCounter = 0;
  const fail = (error: unknown): void => {
    if (parts.hasFailed) return;
    parts.hasFailed = true;
    logger.error({ error }, "storage failed; the process must end");
    settings.onFatal(error instanceof Error ? error : new Error(String(error)));
  };
  const parts: OpenParts = {
    settings,
    budget: new TailBudget(settings.tailCacheBytes),
    durable: point,
    point,
    onDurable: () => {},
    onDamaged: () => {},
    handleDamage: (group, reason) => {
      logger.error({ group, reason }, "damaged replica: it takes part no more");
      parts.onDamaged();
      settings.onDamaged(group, reason);
    },
    fail,
    hasFailed: false,
    resources: {
      fileSystem,
      clock,
      handles: new HandleCache(fileSystem, settings.openFilesMax, fail),
      indexes: new IndexCache(LOADED_INDEXES_MAX),
      readGate: new Gate(COLD_READS_MAX),
      readBuffers: new ReadBuffers(COLD_READS_MAX),
      indexIntervalBytes: indexInterval(settings.indexIntervalBytes),
      nextIdentity: () => {
        identityCounter = (identityCounter + 1) % IDENTITY_COUNTER_MAX;
        return clock.wallMs() * IDENTITY_COUNTER_MAX + identityCounter;
      },
    },
  };
  return parts;
}
