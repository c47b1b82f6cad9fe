import { totalEntryBytes, totalPayloadBytes } from "./entry-size.ts";
import { proposeAsLeader } from "./proposals.ts";
import type { ReplicaState } from "./replica-state.ts";
import type { ConfChange, Entry } from "./types.ts";

/**
 * The change that leaves a joint configuration. Its payload counts nothing, so that no limit can
 * refuse it.
 */
const LEAVE_JOINT: ConfChange = { transition: "auto", changes: [] };

/** The application applied `entries`. */
export function handleApplied(state: ReplicaState, entries: readonly Entry[]): void {
  const last = entries.at(-1);
  if (last === undefined) return;
  appliedTo(state, last.index, totalEntryBytes(entries));
  if (state.role.name === "leader") {
    const bytes = totalPayloadBytes(entries);
    state.role.uncommittedBytes = Math.max(0, state.role.uncommittedBytes - bytes);
  }
}

/** The snapshot at `index` is installed: it is durable and applied at once. */
export function handleSnapshotInstalled(state: ReplicaState, index: number): void {
  state.log.unstable.stableSnapshotTo(index);
  appliedTo(state, index, 0);
}

function appliedTo(state: ReplicaState, index: number, bytes: number): void {
  const applied = Math.max(index, state.log.applied);
  state.log.appliedTo(applied, bytes);
  const leader = state.role;
  if (leader.name !== "leader" || !state.confState.autoLeave) return;
  // Refused during a leadership transfer; then either the next leader leaves, or this one with the
  // next applied entry.
  if (applied >= leader.pendingConfIndex) {
    proposeAsLeader(state, leader, [{ type: "conf-change", change: LEAVE_JOINT }]);
  }
}
