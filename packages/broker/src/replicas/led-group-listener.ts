import { replicaIdentity } from "@stratalog/base";
import type { GroupListener, GroupRole } from "@stratalog/raft-host";
import type { GroupLeader } from "./replica-lookup.ts";

/** The leader that a role names, if it names one. */
export function leaderOfRole(role: GroupRole): GroupLeader | undefined {
  if (role.leader === undefined || role.leader === 0) return undefined;
  return { leader: replicaIdentity(role.leader).brokerId, term: role.term };
}

/** A listener that also tells of every change of role, before the one it wraps hears of it. */
export function ledGroupListener(
  listener: GroupListener,
  onRole: (role: GroupRole) => void,
): GroupListener {
  return {
    onCommitted: (frames) => listener.onCommitted(frames),
    onRole: (role) => {
      onRole(role);
      listener.onRole(role);
    },
    ...optional(listener),
  };
}

/** A host treats a listener that lacks a method differently: only what is there is passed on. */
function optional(listener: GroupListener): Partial<GroupListener> {
  return {
    ...(listener.onDurable && { onDurable: (index) => listener.onDurable?.(index) }),
    ...(listener.onCommitIndex && {
      onCommitIndex: (index, term) => listener.onCommitIndex?.(index, term),
    }),
    ...(listener.onTruncated && { onTruncated: (index) => listener.onTruncated?.(index) }),
    ...(listener.onSnapshot && { onSnapshot: (snapshot) => listener.onSnapshot?.(snapshot) }),
    ...(listener.createSnapshot && { createSnapshot: listener.createSnapshot.bind(listener) }),
    ...(listener.onMembership && { onMembership: (state) => listener.onMembership?.(state) }),
  };
}
