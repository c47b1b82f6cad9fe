import { CodedError, type GroupNumber, present, type Random } from "@stratalog/base";
import type { RaftCluster } from "./raft-cluster.ts";
import { must } from "./violation.ts";

const PAUSE_BETWEEN_MS = 6;
const PAYLOAD_BYTES_MAX = 120;

/** Proposals and confirmations of leadership at whoever leads, at random moments. */
export class RaftWorkload {
  readonly #cluster: RaftCluster;
  readonly #random: Random;
  proposedCount = 0;
  confirmedCount = 0;

  constructor(cluster: RaftCluster) {
    this.#cluster = cluster;
    this.#random = cluster.kernel.random.fork("workload");
  }

  start(): void {
    const delayMs = this.#random.fraction() * 2 * PAUSE_BETWEEN_MS;
    this.#cluster.kernel.schedule(delayMs, () => {
      const { groups } = this.#cluster;
      const group = present(groups[this.#random.below(groups.length)], "group");
      if (this.#random.below(10) === 0) this.#confirm(group);
      else this.propose(group);
      this.start();
    });
  }

  /** Proposes at the leader; answers where, or undefined when nobody takes it. */
  propose(group: GroupNumber): { readonly index: number; readonly term: number } | undefined {
    const leader = this.#cluster.leaderOf(group);
    const raft = leader?.replicas.get(group)?.group;
    if (leader === undefined || raft === undefined) return undefined;
    const payload = this.#random.bytes(this.#random.below(PAYLOAD_BYTES_MAX));
    const nextOffset = raft.nextOffset;
    const span = group % 2 === 0 ? 0 : 1 + this.#random.below(5);
    const result = raft.propose({ kind: span === 0 ? "command" : "data", payload, span });
    if (!result.ok) return undefined;
    must(result.baseOffset === nextOffset, `the next offset is exact: group ${group}`);
    this.proposedCount++;
    this.#cluster.kernel.note(`propose ${leader.id} ${group} ${result.index}/${result.term}`);
    return result;
  }

  /** A confirmed index covers everything that was committed before the question. */
  #confirm(group: GroupNumber): void {
    const leader = this.#cluster.leaderOf(group);
    const replica = leader?.replicas.get(group);
    if (leader === undefined || replica === undefined) return;
    const committed = this.#cluster.ledger(group).lastIndex;
    const { life } = leader.node;
    replica.group.confirmLeadership().then(
      (index) => {
        if (leader.node.life !== life) return;
        this.confirmedCount++;
        this.#must(index >= committed, `reads are linearizable: group ${group} at ${leader.id}`);
        const { state } = replica.machine;
        this.#must(state.index >= index, `a confirmed index is applied: group ${group}`);
      },
      (error: unknown) => {
        const isExpected = CodedError.is(error) && error.code === "NOT_LEADER";
        this.#must(isExpected, `a confirmation fails as NOT_LEADER: ${String(error)}`);
      },
    );
  }

  /** A promise's callback cannot throw into the run: the violation is thrown by an event. */
  #must(condition: boolean, rule: string): void {
    if (!condition) this.#cluster.kernel.schedule(0, () => must(false, rule));
  }
}
