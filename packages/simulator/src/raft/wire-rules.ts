import type { BrokerId } from "@stratalog/base";
import type { RaftWireMessage, SnapshotPart } from "@stratalog/raft-host/testing";
import type { LogFacts, ReplicaLogs } from "./sim-disk.ts";
import { must } from "./violation.ts";

/** The last promises of one replica. */
interface Said {
  vote: { readonly term: number; readonly to: number };
  acknowledged: { readonly term: number; readonly index: number };
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
  readonly #said = new Map<string, Said>();

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

  /** A process begins on what its disk has: it must remember what it promised before. */
  checkRecovered(from: BrokerId, group: number, recovered: LogFacts): void {
    const { vote, acknowledged } = this.#saidBy(from, group);
    const { term, vote: stored } = recovered.hardState;
    const who = `group ${group} at ${from}`;
    must(term >= vote.term, `a vote survives a crash: ${who} is back in term ${term}`);
    must(
      term > vote.term || vote.to === 0 || stored === vote.to,
      `a vote survives a crash: ${who}`,
    );
    must(
      term > acknowledged.term || recovered.lastIndex >= acknowledged.index,
      `an acknowledgement survives a crash: ${who} ends at ${recovered.lastIndex}, ` +
        `said ${acknowledged.index}`,
    );
  }

  #saidBy(from: BrokerId, group: number): Said {
    const key = `${from} ${group}`;
    const said = this.#said.get(key) ?? {
      vote: { term: 0, to: 0 },
      acknowledged: { term: 0, index: 0 },
    };
    this.#said.set(key, said);
    return said;
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
    const said = this.#saidBy(from, group);
    if (vote.term >= said.vote.term) said.vote = { term: vote.term, to: vote.to };
    const { visible, durable } = this.#logs(from, group);
    if (durable === undefined) return;
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
    const said = this.#saidBy(from, group);
    const { index, term } = said.acknowledged;
    if (ack.term > term || (ack.term === term && ack.index > index)) said.acknowledged = ack;
    const { visible, durable } = this.#logs(from, group);
    if (durable === undefined) return;
    // In a later term the entries may rightly have been replaced since.
    if (visible.hardState.term !== ack.term) return;
    const what = `replica ${ack.from} acknowledges ${ack.index} of group ${group}`;
    must(durable.lastIndex >= ack.index, `acknowledged entries are durable: ${what}`);
  }
}
