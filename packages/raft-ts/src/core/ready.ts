import type { Message } from "./messages.ts";
import type { Entry, HardState, ReadState, ReplicaId, Snapshot, SoftState } from "./types.ts";

/**
 * Entries [from, to) that the core needs and its storage said are `pending`. The caller fetches
 * them, at least one and then at most `maxBytes`, so that `LogStorage.entries` can answer, and
 * calls `entriesAvailable(for)`. A want that is never served is asked again after a heartbeat
 * interval; serving a stale one is harmless.
 */
export interface Want {
  /** The follower whose next append needs them, or `"apply"` for committed entries to apply. */
  readonly for: ReplicaId | "apply";
  readonly from: number;
  readonly to: number;
  readonly maxBytes: number;
}

/**
 * What the caller must do now, taken with `RaftNode.ready()`.
 *
 * Synchronous mode, in this order: (1) install `snapshot` and write `entries` (overwriting from the
 * first one's index) and `hardState`, synced when `mustSync`; (2) send `messages`; (3) apply
 * `committedEntries`, calling `applyConfChange` for each configuration entry; (4) call
 * `advance(ready)`. A leader may send append messages before (1) is durable.
 *
 * Asynchronous mode (`asyncStorageWrites`): `entries`, `hardState`, `snapshot` and
 * `committedEntries` only repeat what the storage messages among `messages` carry; act on those
 * messages alone and never call `advance`. All other messages leave at once: those that must wait
 * for the disk are responses inside a storage message.
 */
export interface Ready {
  /** Present when the role or the known leader changed. */
  readonly softState?: SoftState;
  /** Present when term, vote or commit changed. */
  readonly hardState?: HardState;
  readonly readStates: readonly ReadState[];
  readonly entries: readonly Entry[];
  readonly snapshot?: Snapshot;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  /** Whether (1) must be synced before (2). False when only the commit hint changed. */
  readonly mustSync: boolean;
  readonly wants: readonly Want[];
}
