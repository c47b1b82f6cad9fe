import type { Acks as WireAcks } from "./gen/produce.ts";
import { invalidRequest } from "./wire-number.ts";

/**
 * When an append counts as done: synced on a majority, synced on the leader, or taken by the
 * leader.
 */
export type Acks = "all" | "leader" | "none";

/** The setting of a request; a number that the enumeration lacks is an INVALID_REQUEST. */
export function acksFromWire(acks: WireAcks): Acks {
  switch (acks) {
    case "ACKS_UNSPECIFIED":
    case "ACKS_ALL":
      return "all";
    case "ACKS_LEADER":
      return "leader";
    case "ACKS_NONE":
      return "none";
  }
  // The decoder hands through numbers that the enumeration lacks, against its type.
  throw invalidRequest(`acks is ${String(acks)}; it may be ACKS_ALL, ACKS_LEADER or ACKS_NONE`);
}

/** The setting for a request. */
export function acksToWire(acks: Acks): WireAcks {
  return acks === "all" ? "ACKS_ALL" : acks === "leader" ? "ACKS_LEADER" : "ACKS_NONE";
}
