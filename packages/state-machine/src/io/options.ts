import type { Clock, KeyValueStore, Logger, Random, Timers } from "@stratalog/base";
import type { StateMachineDefinition } from "../core/definition.ts";

/** Bounds of one replicated state machine. */
export interface StateMachineLimits {
  /** Commands that wait for their turn; more are refused with THROTTLED. Default 10,000. */
  readonly submissionsMax: number;
  /** Commands that one entry takes. Default 1,000. */
  readonly commandsPerEntryMax: number;
  /** Bytes of records after which an entry takes no further command. Default 256 KiB. */
  readonly entryBytesMax: number;
  /** Entries in flight; commands gather while it is reached. Default 16. */
  readonly entriesInFlightMax: number;
  /** Entries applied since the last snapshot that make the next one due. Default 10,000. */
  readonly snapshotEntries: number;
  /**
   * Payload bytes since the last snapshot that make the next one due; at least twice its size.
   * Default 4 MiB.
   */
  readonly snapshotBytes: number;
  /**
   * Entries below a snapshot that stay in the log, so that a follower a little behind needs no
   * snapshot. Default 1,000.
   */
  readonly logMarginEntries: number;
}

export const DEFAULT_LIMITS: StateMachineLimits = {
  submissionsMax: 10_000,
  commandsPerEntryMax: 1_000,
  entryBytesMax: 262_144,
  entriesInFlightMax: 16,
  snapshotEntries: 10_000,
  snapshotBytes: 4_194_304,
  logMarginEntries: 1_000,
};

/** What a replicated state machine is made of. */
export interface StateMachineOptions<State, Command, Record, Response> {
  readonly definition: StateMachineDefinition<State, Command, Record, Response>;
  /** Where snapshots are kept, and the prefix of their keys. */
  readonly store: KeyValueStore;
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** The entries up to `index` are in a durable snapshot: the log may forget them. */
  dropLogPrefix(index: number): void;
  /** A bug or damage that must stop the broker: the state can no longer be trusted. */
  onFatal(error: Error): void;
  readonly limits?: Partial<StateMachineLimits>;
}
