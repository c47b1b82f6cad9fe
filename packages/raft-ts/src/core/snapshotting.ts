import { assert } from "./assert.ts";
import { isMember, restoreConfState } from "./membership/configuration.ts";
import { switchConfiguration } from "./membership/reconfigure.ts";
import type { SnapshotMessage } from "./messages.ts";
import type { ReplicaState } from "./replica-state.ts";
import type { Snapshot } from "./types.ts";

/** Takes a leader's snapshot, or answers with what is committed here when it brings nothing. */
export function handleSnapshot(state: ReplicaState, message: SnapshotMessage): void {
  const isRestored = maybeRestore(state, message.snapshot);
  state.acknowledge(message.from, isRestored ? state.log.lastIndex : state.log.committed);
}

/**
 * Replaces the log by a snapshot. A log that already holds the snapshot's last entry keeps its
 * suffix and only learns that it is committed: cutting it could lose entries that were
 * acknowledged.
 */
function maybeRestore(state: ReplicaState, snapshot: Snapshot): boolean {
  if (snapshot.index <= state.log.committed) return false;
  assert(state.role.name === "follower", `a ${state.role.name} was given a snapshot`);
  // A snapshot of a group that this replica is no member of was sent in error.
  if (!isMember(snapshot.confState, state.id)) return false;
  if (state.log.matches(snapshot.index, snapshot.term)) {
    state.log.commitTo(snapshot.index);
    return false;
  }
  // Entries that are being applied may hold configuration changes, which must not come after those
  // in the snapshot. The leader sends another one.
  if (state.log.applying > state.log.applied) return false;
  state.log.restore(snapshot);
  switchConfiguration(state, restoreConfState(snapshot.confState), []);
  return true;
}
