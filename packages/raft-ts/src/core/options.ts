import type { LogStorage } from "./log-storage.ts";
import { APPLY_WORKER, NO_LIMIT, type ReplicaId } from "./types.ts";

/**
 * How a read proves that this replica still leads. `lease` trusts clocks and needs `checkQuorum`.
 */
export type ReadMode = "quorum" | "lease";

/** What a replica is made with. */
export interface RaftOptions {
  readonly id: ReplicaId;
  readonly storage: LogStorage;
  /** An integer in [0, bound), from a seeded or a real source; spreads election timeouts. */
  readonly random: (bound: number) => number;
  /**
   * Ticks without a leader before an election; the actual timeout is random in [n, 2n). Default 10.
   */
  readonly electionTicks?: number;
  /** Ticks between a leader's heartbeats. Must be below `electionTicks`. Default 1. */
  readonly heartbeatTicks?: number;
  /** Index up to which the application has applied the log before this start. Default 0. */
  readonly applied?: number;
  /**
   * Storage work travels in messages with attached responses instead of `advance`. Default false.
   */
  readonly asyncStorageWrites?: boolean;
  /** Ask whether an election could be won before the term is raised. Default true. */
  readonly preVote?: boolean;
  /**
   * A leader that hears from no quorum for an election timeout steps down; followers keep a live
   * leader. Default true.
   */
  readonly checkQuorum?: boolean;
  /** Default `quorum`. */
  readonly readMode?: ReadMode;
  /** Bytes of entries in one append message; one entry always fits. Default 512 KiB. */
  readonly maxBytesPerMessage?: number;
  /** Append messages in flight to one follower. Default 64. */
  readonly maxInflightMessages?: number;
  /**
   * Bytes of entries in flight to one follower. Not below `maxBytesPerMessage`. Default: no limit.
   */
  readonly maxInflightBytes?: number;
  /**
   * Bytes of proposed, uncommitted entries beyond which a leader refuses proposals. Default: no
   * limit.
   */
  readonly maxUncommittedBytes?: number;
  /** Bytes of committed entries handed out and not yet applied. Default: `maxBytesPerMessage`. */
  readonly maxCommittedBytesPerReady?: number;
  /**
   * New entries of a leader are sent once per Ready, in as few messages as fit, rather than once
   * per proposal. Default true.
   */
  readonly coalesceAppends?: boolean;
  /** Reads that wait for a quorum, beyond which a leader refuses more. Default 10,000. */
  readonly maxPendingReads?: number;
  /** A follower refuses proposals instead of sending them to its leader. Default true. */
  readonly disableProposalForwarding?: boolean;
  /**
   * Trust the caller to propose valid configuration changes one at a time. Unstable: for tests.
   * Default false.
   */
  readonly disableConfChangeValidation?: boolean;
  /** A leader that applies its own removal or demotion becomes a follower. Default true. */
  readonly stepDownOnRemoval?: boolean;
}

/** Options with every default filled in. */
export type ResolvedOptions = Required<RaftOptions>;

/** Fills in defaults. Throws `RangeError` on a value that no replica can run with. */
export function resolveOptions(options: RaftOptions): ResolvedOptions {
  const maxBytesPerMessage = options.maxBytesPerMessage ?? 512 * 1024;
  const resolved: ResolvedOptions = {
    id: options.id,
    storage: options.storage,
    random: options.random,
    electionTicks: options.electionTicks ?? 10,
    heartbeatTicks: options.heartbeatTicks ?? 1,
    applied: options.applied ?? 0,
    asyncStorageWrites: options.asyncStorageWrites ?? false,
    preVote: options.preVote ?? true,
    checkQuorum: options.checkQuorum ?? true,
    readMode: options.readMode ?? "quorum",
    maxBytesPerMessage,
    maxInflightMessages: options.maxInflightMessages ?? 64,
    maxInflightBytes: options.maxInflightBytes ?? NO_LIMIT,
    maxUncommittedBytes: options.maxUncommittedBytes ?? NO_LIMIT,
    maxCommittedBytesPerReady: options.maxCommittedBytesPerReady ?? maxBytesPerMessage,
    coalesceAppends: options.coalesceAppends ?? true,
    maxPendingReads: options.maxPendingReads ?? 10_000,
    disableProposalForwarding: options.disableProposalForwarding ?? true,
    disableConfChangeValidation: options.disableConfChangeValidation ?? false,
    stepDownOnRemoval: options.stepDownOnRemoval ?? true,
  };
  const problem = findProblem(resolved);
  if (problem !== undefined) throw new RangeError(problem);
  return resolved;
}

function findProblem(options: ResolvedOptions): string | undefined {
  const { id, electionTicks, heartbeatTicks, applied } = options;
  if (!Number.isSafeInteger(id) || id <= 0 || id >= APPLY_WORKER) {
    return `id must be a positive integer below ${APPLY_WORKER}, not ${id}`;
  }
  if (!Number.isSafeInteger(heartbeatTicks) || heartbeatTicks <= 0) {
    return `heartbeatTicks must be a positive integer, not ${heartbeatTicks}`;
  }
  if (!Number.isSafeInteger(electionTicks) || electionTicks <= heartbeatTicks) {
    return `electionTicks must be an integer above heartbeatTicks, not ${electionTicks}`;
  }
  if (!Number.isSafeInteger(applied) || applied < 0) {
    return `applied must be an index, not ${applied}`;
  }
  if (!Number.isSafeInteger(options.maxInflightMessages) || options.maxInflightMessages <= 0) {
    return `maxInflightMessages must be a positive integer, not ${options.maxInflightMessages}`;
  }
  if (options.maxInflightBytes < options.maxBytesPerMessage) {
    return "maxInflightBytes must not be below maxBytesPerMessage";
  }
  if (options.readMode === "lease" && !options.checkQuorum) {
    return "readMode lease needs checkQuorum: without it nothing ends a deposed leader's lease";
  }
  return undefined;
}
