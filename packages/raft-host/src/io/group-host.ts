import type { GroupNumber } from "@stratalog/base";
import type { RoleName, SnapshotMessage, Want } from "raft-ts";
import type { WireMessage } from "../core/wire-message.ts";
import type { GroupFailure } from "./host-options.ts";
import type { HostedGroup } from "./hosted-group.ts";

/** What a group asks of its host. */
export interface GroupHost {
  /** The group has work: drain it at the end of this turn. */
  markDirty(group: HostedGroup): void;
  send(to: number, message: WireMessage): void;
  sendSnapshot(group: GroupNumber, message: SnapshotMessage): void;
  fetch(group: HostedGroup, want: Want): void;
  /** The replica's role in the group is another one than before. */
  onRole(from: RoleName, to: RoleName): void;
  /** A candidate is refused: its log is not as long, or its term is an old one. */
  onCandidateRefused(group: HostedGroup): void;
  isAbsent(replica: number): boolean;
  /** This replica rests under its leader. */
  follow(group: HostedGroup): void;
  /** The replica stopped for good; the rest of the host goes on. */
  onFailed(group: HostedGroup, failure: GroupFailure): void;
}
