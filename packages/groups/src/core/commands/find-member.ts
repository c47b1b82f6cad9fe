import type { GroupId, MemberId } from "@stratalog/base";
import type { Group, GroupsState, Member } from "../group.ts";
import { GROUP_ID_LENGTH_MAX } from "../limits.ts";
import { type GroupRefusal, refuse } from "./command-result.ts";

/** A member and its group. */
export interface FoundMember {
  readonly group: Group;
  readonly member: Member;
}

/** The member meant, or UNKNOWN_MEMBER. */
export function findMember(
  state: GroupsState,
  groupId: GroupId,
  memberId: MemberId,
): FoundMember | GroupRefusal {
  const group = state.groups.get(groupId);
  const member = group?.members.get(memberId);
  if (group !== undefined && member !== undefined) return { group, member };
  return refuse("UNKNOWN_MEMBER", `group ${groupId} has no member ${memberId}; join again`);
}

/**
 * A claim from an epoch that the member never had: the coordinator that gave it lost it, or the
 * client made it up.
 */
export function refuseEpoch(member: Member, memberEpoch: number): GroupRefusal | undefined {
  if (memberEpoch <= member.memberEpoch) return undefined;
  return refuseFenced(member, `epoch ${memberEpoch} is newer than ${member.memberEpoch}`);
}

/** The member must give everything up and join again. */
export function refuseFenced(member: Member, why: string): GroupRefusal {
  return refuse("FENCED_MEMBER_EPOCH", `member ${member.memberId} is fenced: ${why}; join again`, {
    memberEpoch: member.memberEpoch,
  });
}

/** What is wrong with a group's name. */
export function refuseGroupId(groupId: string): GroupRefusal | undefined {
  if (groupId.length <= GROUP_ID_LENGTH_MAX && /^[A-Za-z0-9._-]+$/.test(groupId)) return undefined;
  return refuse(
    "INVALID_GROUP_ID",
    `a group name has 1 to ${GROUP_ID_LENGTH_MAX} letters, digits, ".", "_" or "-"; ` +
      `${JSON.stringify(groupId.slice(0, 60))} is not one`,
  );
}
