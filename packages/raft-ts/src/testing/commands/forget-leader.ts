import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId } from "../script/arguments.ts";

/** `forget-leader 2`: the follower stops believing in its leader. */
export const forgetLeader: InteractionCommand = (cluster, test) => {
  if (cluster.node(firstId(test)).raft.forgetLeader() === "ignored-for-lease") {
    cluster.output.write("ERROR ignoring MsgForgetLeader due to ReadOnlyLeaseBased\n");
  }
};
