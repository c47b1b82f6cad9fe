import { CodedError, decodeJson, encodeJson, replicaIdentity } from "@stratalog/base";
import { controllerCommandShape } from "@stratalog/metadata";
import type { ControllerReplica } from "./metadata-machine.ts";
import type { Calls } from "./peer-calls.ts";

/** Peer call that carries a command to the controller. */
export const CONTROLLER_SUBMIT = "controller.submit";

/** Takes commands of other brokers while this broker is the controller. */
export function serveController(calls: Calls, replica: ControllerReplica): void {
  calls.handle(CONTROLLER_SUBMIT, async (_from, body) => {
    const command = decodeJson(body, controllerCommandShape);
    if (!command.ok) {
      throw new CodedError("INVALID_REQUEST", `${CONTROLLER_SUBMIT}: ${command.reason}`);
    }
    try {
      return encodeJson(await replica.submit(command.value));
    } catch (error) {
      throw asControllerError(error, replica);
    }
  });
}

/**
 * NOT_LEADER of the controller's group is NOT_CONTROLLER to others, with a hint where the
 * controller is.
 */
export function asControllerError(error: unknown, replica: ControllerReplica): CodedError {
  const coded = CodedError.from(error);
  if (coded.code !== "NOT_LEADER") return coded;
  const { leader } = replica.role;
  const details = leader === undefined ? {} : { leaderId: replicaIdentity(leader).brokerId };
  return new CodedError("NOT_CONTROLLER", "this broker is not the controller", { details });
}
