import { unreachable } from "@stratalog/base";
import type { Done, GroupContext, GroupResult } from "./commands/command-result.ts";
import { type CommitOffsets, handleCommitOffsets } from "./commands/commit-offsets.ts";
import { type DeleteGroup, handleDeleteGroup } from "./commands/delete-group.ts";
import { type ExpireGroups, handleExpireGroups } from "./commands/expire-groups.ts";
import { handleJoin, type Join, type Joined } from "./commands/join.ts";
import {
  type ExpireMember,
  handleExpireMember,
  handleLeave,
  type Leave,
} from "./commands/leave.ts";
import { handleReport, type Report } from "./commands/report.ts";
import { handleTopicsChanged, type TopicsChanged } from "./commands/topics-changed.ts";
import type { GroupsState } from "./group.ts";

/**
 * All that a coordinator can be asked to do. Time-outs and topic changes are commands like any
 * other.
 */
export type GroupCommand =
  | ({ readonly type: "join" } & Join)
  | ({ readonly type: "report" } & Report)
  | ({ readonly type: "leave" } & Leave)
  | ({ readonly type: "expire-member" } & ExpireMember)
  | ({ readonly type: "commit-offsets" } & CommitOffsets)
  | ({ readonly type: "delete-group" } & DeleteGroup)
  | ({ readonly type: "topics-changed" } & TopicsChanged)
  | ({ readonly type: "expire-groups" } & ExpireGroups);

/** What each command is answered with. */
export interface GroupResponses {
  readonly join: Joined;
  readonly report: Done;
  readonly leave: Done;
  readonly "expire-member": Done;
  readonly "commit-offsets": Done;
  readonly "delete-group": Done;
  readonly "topics-changed": Done;
  readonly "expire-groups": { readonly deletedCount: number };
}

/** The answer to a command. */
export type GroupResponseOf<C extends GroupCommand> = GroupResponses[C["type"]];
/** Any answer. */
export type GroupResponse = GroupResponses[GroupCommand["type"]];

/**
 * Decides on a command: the records that it makes from this state, or why it is refused. Changes
 * nothing.
 */
export function handle(
  state: GroupsState,
  command: GroupCommand,
  context: GroupContext,
): GroupResult<GroupResponse> {
  switch (command.type) {
    case "join":
      return handleJoin(state, command, context);
    case "report":
      return handleReport(state, command);
    case "leave":
      return handleLeave(state, command, context);
    case "expire-member":
      return handleExpireMember(state, command, context);
    case "commit-offsets":
      return handleCommitOffsets(state, command, context);
    case "delete-group":
      return handleDeleteGroup(state, command);
    case "topics-changed":
      return handleTopicsChanged(state, command, context);
    case "expire-groups":
      return handleExpireGroups(state, command, context);
    default:
      return unreachable(command, "group command");
  }
}
