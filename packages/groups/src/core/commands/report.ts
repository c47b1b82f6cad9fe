import type { GroupId, MemberId } from "@stratalog/base";
import { Draft } from "../draft.ts";
import type { GroupsState, Member } from "../group.ts";
import { heldBy } from "../owned-partitions.ts";
import type { PartitionKey } from "../partition-key.ts";
import { memberAssigned, reconcile } from "../rebalance.ts";
import { accept, type Done, type GroupRefusal, type GroupResult } from "./command-result.ts";
import { findMember, refuseEpoch, refuseFenced } from "./find-member.ts";

/** A member says what it owns, having carried out an assignment. */
export interface Report {
  readonly groupId: GroupId;
  readonly memberId: MemberId;
  readonly memberEpoch: number;
  /** Of the last assignment that it carried out. */
  readonly revision: number;
  readonly owned: ReadonlySet<PartitionKey>;
}

/**
 * Frees what the member gave up, and hands it on.
 *
 * Only a report on the member's latest assignment frees anything. An older one may have been sent
 * before the member saw that assignment: a partition that it lacks may be one that the member is
 * about to start.
 */
export function handleReport(state: GroupsState, command: Report): GroupResult<Done> {
  const { groupId, memberId } = command;
  const found = findMember(state, groupId, memberId);
  if ("code" in found) return found;
  const wrong = refuseReport(found.member, command);
  if (wrong !== undefined) return wrong;
  const draft = new Draft(state);
  acknowledge(draft, found.member, command);
  return accept(draft.records, {});
}

/** What is wrong with a report. */
export function refuseReport(
  member: Member,
  report: Pick<Report, "memberEpoch" | "revision" | "owned">,
): GroupRefusal | undefined {
  const newer = refuseEpoch(member, report.memberEpoch);
  if (newer !== undefined) return newer;
  if (report.revision > member.revision) {
    return refuseFenced(member, `assignment ${report.revision} was never made`);
  }
  if (report.revision < member.revision) return undefined;
  const held = heldBy(member);
  const strangers = [...report.owned].filter((key) => !held.has(key));
  if (strangers.length === 0) return undefined;
  return refuseFenced(member, `it claims ${strangers.length} partitions that it was not given`);
}

/** Takes a report that is not refused. */
export function acknowledge(
  draft: Draft,
  member: Member,
  report: Pick<Report, "groupId" | "revision" | "owned">,
): void {
  const { groupId, revision, owned } = report;
  if (revision < member.revision || member.revoking.size === 0) return;
  const revoking = new Map([...member.revoking].filter(([key]) => owned.has(key)));
  if (revoking.size === member.revoking.size) return;
  // With nothing left to give up it is between two states; reconcile takes it on from here.
  const state = revoking.size > 0 ? "revoking" : "stable";
  draft.add(memberAssigned(groupId, { ...member, state, revoking }));
  reconcile(draft, groupId);
}
