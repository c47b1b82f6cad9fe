import type { SnapshotMessage } from "../../core/messages.ts";
import { describeMessage } from "../describe/describe-message.ts";
import type { InteractionCommand } from "../interaction-environment.ts";
import { bareIds, ScriptError } from "../script/arguments.ts";

/**
 * `send-snapshot 1 3`: replica 1's newest state goes to 3, without replica 1's Raft having asked
 * for it.
 */
export const sendSnapshot: InteractionCommand = (cluster, test) => {
  const [from, to] = bareIds(test);
  if (from === undefined || to === undefined) throw new ScriptError("from whom, and to whom?");
  const { raft, storage } = cluster.node(from);
  const message: SnapshotMessage = {
    type: "snapshot",
    from,
    to,
    term: raft.term,
    snapshot: storage.snapshot(),
  };
  cluster.enqueue([message]);
  cluster.output.write(describeMessage(message));
};
