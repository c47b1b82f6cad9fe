import type { GroupNumber } from "@stratalog/base";
import type { GroupLeader, LeaderView } from "./replica-lookup.ts";

/**
 * Who leads which group, from whatever source heard of it last. Soft state: a restart begins empty,
 * a wrong entry costs a
 * redirect. Invariant: an entry is only replaced by one of a later term, so late news never undo
 * newer ones.
 * Bounded by the groups of the cluster: `retain` forgets the others.
 */
export class LeaderTable implements LeaderView {
  readonly #leaders = new Map<GroupNumber, GroupLeader>();
  readonly #callbacks = new Set<(group: GroupNumber) => void>();
  #changeCount = 0;

  /** Times that a group whose leader was known got one of a later term. Begins at 0. */
  get changeCount(): number {
    return this.#changeCount;
  }

  leaderOf(group: GroupNumber): GroupLeader | undefined {
    return this.#leaders.get(group);
  }

  /** Takes in news; says whether they were new. */
  learn(group: GroupNumber, leader: GroupLeader): boolean {
    const known = this.#leaders.get(group);
    if (known !== undefined && known.term >= leader.term) return false;
    this.#leaders.set(group, leader);
    if (known !== undefined) this.#changeCount++;
    for (const callback of this.#callbacks) callback(group);
    return true;
  }

  /** Forgets the groups that are gone. */
  retain(isKnown: (group: GroupNumber) => boolean): void {
    for (const group of this.#leaders.keys()) {
      if (!isKnown(group)) this.#leaders.delete(group);
    }
  }

  onChange(callback: (group: GroupNumber) => void): () => void {
    this.#callbacks.add(callback);
    return () => {
      this.#callbacks.delete(callback);
    };
  }
}
