import type { ProposeResult } from "raft-ts";
import type { ProposalResult } from "../ports/raft-group.ts";

/** Why the core refused a proposal, in the words of the group's users. */
export function refusalReason(
  reason: Extract<ProposeResult, { readonly accepted: false }>["reason"],
): Extract<ProposalResult, { readonly ok: false }>["reason"] {
  switch (reason) {
    case "too-many-bytes":
      return "overloaded";
    case "transferring":
      return "transferring";
    case "no-leader":
    case "not-leader":
    case "removed":
      return "not-leader";
  }
}
