import { type BrokerId, CodedError } from "@stratalog/base";

/** Another broker coordinates the group; `leader` when it is known. */
export function notCoordinator(groupId: string, leader: BrokerId | undefined): CodedError {
  if (leader === undefined) {
    return new CodedError(
      "COORDINATOR_NOT_AVAILABLE",
      `group ${groupId} has no coordinator right now`,
    );
  }
  return new CodedError("NOT_COORDINATOR", `broker ${leader} coordinates group ${groupId}`, {
    details: { leaderId: leader },
  });
}

/** What a failure of the replicated state machine is called where groups are meant. */
export function asCoordinatorError(
  error: unknown,
  groupId: string,
  leader: BrokerId | undefined,
): CodedError {
  const coded = CodedError.from(error);
  return coded.code === "NOT_LEADER" ? notCoordinator(groupId, leader) : coded;
}
