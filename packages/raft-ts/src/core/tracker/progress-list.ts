import { isLearner, isMember, memberIds } from "../membership/configuration.ts";
import type { AckedIndexes, Votes } from "../quorum/majority.ts";
import type { ConfState, ReplicaId } from "../types.ts";
import { Progress, type WindowLimits } from "./progress.ts";

/**
 * The progress of all replicas of the configuration, in ascending order of id. Searched linearly: a
 * group has a handful of members. As `AckedIndexes` it answers with match indexes, as `Votes` with
 * who was active.
 */
export class ProgressList implements AckedIndexes, Votes {
  readonly #limits: WindowLimits;
  #items: readonly Progress[];

  /** What a new leader knows: nothing but its own log. */
  constructor(confState: ConfState, self: ReplicaId, lastIndex: number, limits: WindowLimits) {
    this.#limits = limits;
    this.#items = memberIds(confState).map(
      (id) =>
        new Progress({
          id,
          match: id === self ? lastIndex : 0,
          next: lastIndex + 1,
          isLearner: isLearner(confState, id),
          recentActive: id === self,
          limits,
        }),
    );
  }

  get items(): readonly Progress[] {
    return this.#items;
  }

  find(id: ReplicaId): Progress | undefined {
    for (const progress of this.#items) {
      if (progress.id === id) return progress;
    }
    return undefined;
  }

  ackedIndex(id: ReplicaId): number | undefined {
    return this.find(id)?.match;
  }

  voteOf(id: ReplicaId): boolean | undefined {
    return this.find(id)?.recentActive ?? false;
  }

  /**
   * Follows a new configuration. Replicas in `added` start from nothing, even when they were
   * members before: they may have been removed and added in one change.
   */
  reconfigure(confState: ConfState, added: readonly ReplicaId[], lastIndex: number): void {
    const kept = this.#items.filter((p) => isMember(confState, p.id) && !added.includes(p.id));
    for (const progress of kept) progress.isLearner = isLearner(confState, progress.id);
    const fresh = added
      .filter((id) => isMember(confState, id))
      .map(
        (id) =>
          new Progress({
            id,
            match: 0,
            // Probing with the last index is a guess; the rejection tells where to go on.
            next: Math.max(lastIndex, 1),
            isLearner: isLearner(confState, id),
            // Not yet heard from is no reason to fail the next quorum check.
            recentActive: true,
            limits: this.#limits,
          }),
      );
    this.#items = [...kept, ...fresh].sort((a, b) => a.id - b.id);
  }
}
