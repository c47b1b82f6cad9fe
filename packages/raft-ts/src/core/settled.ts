import type { ReplicaState } from "./replica-state.ts";
import { NO_REPLICA, type ReplicaId } from "./types.ts";

/**
 * Whether a replica has nothing to do but to hear that its leader lives, or to say so: everything
 * in its log is durable, committed and applied; leading, the same on every member that is not
 * absent, with no read, transfer or membership change under way. An integrator may then leave out
 * ticks and heartbeats as long as it knows by other means that the others live.
 */
export function isSettled(state: ReplicaState, isAbsent: (peer: ReplicaId) => boolean): boolean {
  const { log, role, confState, leader } = state;
  const { lastIndex } = log;
  if (leader === NO_REPLICA || log.applied !== lastIndex) return false;
  if (log.unstable.hasEntries || log.unstable.snapshot !== undefined) return false;
  if (confState.votersOutgoing.length > 0) return false;
  if (role.name === "follower") return true;
  if (role.name !== "leader") return false;
  if (role.transferee !== NO_REPLICA || (role.reads?.size ?? 0) > 0) return false;
  return role.progress.items.every(
    (progress) =>
      progress.id === state.id ||
      isAbsent(progress.id) ||
      (progress.state === "replicate" && progress.match === lastIndex),
  );
}
