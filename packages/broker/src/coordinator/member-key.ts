import type { Brand, GroupId, MemberId } from "@stratalog/base";

/** One member of one group as one text. */
export type MemberKey = Brand<string, "MemberKey">;

/** Group names have no space, so the two parts stay apart. */
export function memberKey(groupId: GroupId, memberId: MemberId): MemberKey {
  return `${groupId} ${memberId}` as MemberKey;
}

/** The inverse of {@link memberKey}. */
export function parseMemberKey(key: MemberKey): {
  readonly groupId: GroupId;
  readonly memberId: MemberId;
} {
  const space = key.indexOf(" ");
  // A key is only made from two ids.
  return { groupId: key.slice(0, space) as GroupId, memberId: key.slice(space + 1) as MemberId };
}
