import { isVoter } from "../../core/membership/configuration.ts";
import { ROLE_NAMES } from "../describe/describe-ready.ts";
import type { InteractionCommand } from "../interaction-environment.ts";

/** `raft-state`: role, term and leader of every replica, as it sees itself. */
export const raftState: InteractionCommand = (cluster) => {
  for (const { raft } of cluster.nodes) {
    const { id, role, term, leader, confState } = raft.status();
    const voter = isVoter(confState, id) ? "(Voter)" : "(Non-Voter)";
    cluster.output.write(`${id}: ${ROLE_NAMES[role]} ${voter} Term:${term} Lead:${leader}\n`);
  }
};
