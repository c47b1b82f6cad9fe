import type { BrokerId } from "@stratalog/base";
import type { MemoryLog, RaftWireMessage, SnapshotPart } from "@stratalog/raft-host/testing";
import { must } from "./violation.ts";

/** The two states of a replica's storage. */
export interface ReplicaLogs {
  /** As its process sees it. */
  readonly visible: MemoryLog;
  /** As a crash at this moment would leave it. */
  readonly durable: MemoryLog;
}

/**
 * What a replica may say only when its disk would say the same after a crash: votes and
 * acknowledgements. Held against the durable bytes at the moment of sending, so a sync that was not
 * waited for shows without any crash.
 */
export class WireRules {
  readonly #logs: (broker: BrokerId, group: number) => ReplicaLogs;
  readonly #votes = new Map<string, number>();
  readonly #leaders = new Map<string, number>();

  constructor(logs: (broker: BrokerId, group: number) => ReplicaLogs) {
    this.#logs = logs;
  }

  /** A message leaves a broker. */
  check(from: BrokerId, group: number, message: RaftWireMessage | SnapshotPart): void {
    const { type } = message;
    if (type === "vote-response" && !message.reject) this.#checkVote(from, group, message);
    if (type === "append-response" && !message.reject) {
      this.#checkAcknowledgement(from, group, message);
    }
    if (type === "append" || type === "heartbeat") {
      this.checkLeader(group, message.term, message.from);
    }
  }

  /** Election safety: one leader per term. */
  checkLeader(group: number, term: number, replica: number): void {
    const key = `${group} ${term}`;
    const known = this.#leaders.get(key) ?? replica;
    this.#leaders.set(key, known);
    must(
      known === replica,
      `election safety: ${known} and ${replica} lead group ${group} in term ${term}`,
    );
  }

  #checkVote(
    from: BrokerId,
    group: number,
    vote: { readonly from: number; readonly to: number; readonly term: number },
  ): void {
    const what = `replica ${vote.from} votes for ${vote.to} in term ${vote.term} of group ${group}`;
    const key = `${group} ${vote.term} ${vote.from}`;
    const known = this.#votes.get(key) ?? vote.to;
    this.#votes.set(key, known);
    must(known === vote.to, `one vote per term: ${what} after ${known}`);
    const { visible, durable } = this.#logs(from, group);
    // Once the replica has moved on to a later term its disk speaks of that one.
    if (visible.hardState.term !== vote.term) return;
    const { term, vote: stored } = durable.hardState;
    must(term === vote.term && stored === vote.to, `votes are durable before they leave: ${what}`);
  }

  #checkAcknowledgement(
    from: BrokerId,
    group: number,
    ack: { readonly from: number; readonly term: number; readonly index: number },
  ): void {
    const { visible, durable } = this.#logs(from, group);
    // In a later term the entries may rightly have been replaced since.
    if (visible.hardState.term !== ack.term) return;
    const what = `replica ${ack.from} acknowledges ${ack.index} of group ${group}`;
    must(durable.lastIndex >= ack.index, `acknowledged entries are durable: ${what}`);
  }
}
