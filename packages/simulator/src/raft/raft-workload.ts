import { CodedError, type GroupNumber, present, type Random } from "@stratalog/base";
import { BatchBuilder, patchBaseOffset, patchLeaderEpoch } from "@stratalog/record-batch";
import type { RaftCluster } from "./raft-cluster.ts";
import { must } from "./violation.ts";

const PAUSE_BETWEEN_MS = 6;
const PAYLOAD_BYTES_MAX = 60;
const RECORDS_MAX = 4;

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
    const { nextOffset } = raft;
    const span = group % 2 === 0 ? 0 : 1 + this.#random.below(RECORDS_MAX);
    const payload = span === 0 ? this.#bytes() : this.#batch(span, nextOffset, raft.term);
    const result = raft.propose({ kind: span === 0 ? "command" : "data", payload, span });
    if (!result.ok) return undefined;
    must(result.baseOffset === nextOffset, `the next offset is exact: group ${group}`);
    this.proposedCount++;
    this.#cluster.kernel.note(`propose ${leader.id} ${group} ${result.index}/${result.term}`);
    return result;
  }

  #bytes(): Uint8Array {
    return this.#random.bytes(this.#random.below(PAYLOAD_BYTES_MAX));
  }

  /** A record batch as a producer's leader appends it. */
  #batch(recordCount: number, baseOffset: number, term: number): Uint8Array {
    const builder = new BatchBuilder();
    const timestampMs = this.#cluster.kernel.wallMs();
    for (let i = 0; i < recordCount; i++) {
      builder.append({ key: null, value: this.#bytes(), timestampMs });
    }
    const batch = builder.build();
    patchBaseOffset(batch, 0, baseOffset);
    patchLeaderEpoch(batch, 0, term);
    return batch;
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
