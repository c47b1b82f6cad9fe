import type { GroupId } from "@stratalog/base";
import type { GroupsState } from "../group.ts";
import { accept, type Done, type GroupResult, refuse } from "./command-result.ts";

/** Deletes a group without members, and its offsets. */
export interface DeleteGroup {
  readonly groupId: GroupId;
}

/** Refuses with GROUP_NOT_FOUND, or GROUP_NOT_EMPTY while it has members. */
export function handleDeleteGroup(state: GroupsState, command: DeleteGroup): GroupResult<Done> {
  const { groupId } = command;
  const group = state.groups.get(groupId);
  if (group === undefined) {
    return refuse("GROUP_NOT_FOUND", `there is no group ${JSON.stringify(groupId.slice(0, 249))}`);
  }
  if (group.members.size > 0) {
    const message = `group ${groupId} has ${group.members.size} members; stop them first`;
    return refuse("GROUP_NOT_EMPTY", message);
  }
  return accept([{ type: "group-deleted", groupId }], {});
}
