import type { Votes } from "../quorum/majority.ts";
import type { ReplicaId } from "../types.ts";

/** Votes of one election. The first answer of a voter counts. */
export class VoteTally implements Votes {
  readonly #votes = new Map<ReplicaId, boolean>();

  record(id: ReplicaId, granted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  voteOf(id: ReplicaId): boolean | undefined {
    return this.#votes.get(id);
  }
}
