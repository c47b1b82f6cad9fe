/** Number of a replica within its group: a positive safe integer below `APPLY_WORKER`. */
export type ReplicaId = number;

/** Stands for "no replica" in hard states and in messages. */
export const NO_REPLICA: ReplicaId = 0;

/**
 * Address of the local worker that makes log writes durable, in messages of asynchronous storage.
 */
export const APPEND_WORKER: ReplicaId = Number.MAX_SAFE_INTEGER;

/**
 * Address of the local worker that applies committed entries, in messages of asynchronous storage.
 */
export const APPLY_WORKER: ReplicaId = Number.MAX_SAFE_INTEGER - 1;

/** Whether a message goes to a worker beside this replica rather than over the network. */
export function isLocalWorker(id: ReplicaId): boolean {
  return id === APPEND_WORKER || id === APPLY_WORKER;
}

/** A size that nothing reaches; the meaning of an absent byte limit. */
export const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** What an entry carries. The core never looks inside; it only counts the bytes. */
export interface EntryData {
  readonly byteLength: number;
}

/**
 * An entry for the state machine, or, without data, what a new leader appends to commit its term.
 */
export interface NormalEntry {
  readonly type: "normal";
  readonly index: number;
  readonly term: number;
  readonly data: EntryData | undefined;
}

/** An entry that changes who is in the group. It takes effect when it is applied. */
export interface ConfChangeEntry {
  readonly type: "conf-change";
  readonly index: number;
  readonly term: number;
  readonly change: ConfChange;
}

/** One position of the replicated log. Never changed after it was made. */
export type Entry = NormalEntry | ConfChangeEntry;

/**
 * What one step of a configuration change does to one replica. `update` changes nothing in Raft.
 */
export type ConfChangeKind = "add-voter" | "add-learner" | "remove" | "update";

/** One step of a configuration change. */
export interface ConfChangeStep {
  readonly kind: ConfChangeKind;
  readonly replica: ReplicaId;
}

/**
 * How a change is carried out. `auto`: in one step where that is safe, else through a joint
 * configuration that is left automatically. `joint-implicit`: always joint, left automatically.
 * `joint-explicit`: always joint, left by a proposal of an empty change.
 */
export type ConfChangeTransition = "auto" | "joint-implicit" | "joint-explicit";

/**
 * A change of the configuration. Without any step (and with `auto`) it leaves a joint
 * configuration.
 */
export interface ConfChange {
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeStep[];
  /** Bytes that travel with the change for the application's use. */
  readonly context?: Uint8Array;
}

/** What must be durable before any message that depends on it leaves. `commit` is a hint. */
export interface HardState {
  readonly term: number;
  /** Who got this replica's vote in `term`; `NO_REPLICA` for nobody. */
  readonly vote: ReplicaId;
  readonly commit: number;
}

/** The hard state of a replica that has seen nothing. */
export const EMPTY_HARD_STATE: HardState = { term: 0, vote: NO_REPLICA, commit: 0 };

/** A configuration as it is stored. `votersOutgoing` is empty unless the configuration is joint. */
export interface ConfState {
  readonly voters: readonly ReplicaId[];
  readonly learners: readonly ReplicaId[];
  readonly votersOutgoing: readonly ReplicaId[];
  /** Voters of the outgoing half that become learners when the joint configuration is left. */
  readonly learnersNext: readonly ReplicaId[];
  readonly autoLeave: boolean;
}

/** The configuration of a replica that belongs to no group yet. */
export const EMPTY_CONF_STATE: ConfState = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

/** The state at `index`, in place of the log up to it. Index 0 never occurs in a real snapshot. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
  readonly data: EntryData | undefined;
}

/** What a replica is in its term. */
export type RoleName = "follower" | "pre-candidate" | "candidate" | "leader";

/** What is useful to know and need not be stored. */
export interface SoftState {
  readonly leader: ReplicaId;
  readonly role: RoleName;
}

/**
 * Names a read. The caller chooses it, unique among its own reads in flight, and never uses it
 * again for a retry.
 */
export type ReadContext = number;

/** A linearizable read may be served once the state machine has applied `index`. */
export interface ReadState {
  readonly index: number;
  readonly context: ReadContext;
}
