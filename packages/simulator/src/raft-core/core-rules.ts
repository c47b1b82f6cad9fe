import { present } from "@stratalog/base";
import type {
  AppendResponse,
  Entry,
  Message,
  ReadState,
  ReplicaId,
  Snapshot,
  StorageAppendMessage,
  VoteRequest,
  VoteResponse,
} from "raft-ts";
import { must, Violation } from "../raft/violation.ts";
import { isAgreed } from "./configuration-model.ts";
import { digestOf } from "./core-application.ts";
import type { CoreLedger } from "./core-ledger.ts";
import type { CoreReplica } from "./core-replica.ts";
import { EntryRegistry } from "./entry-registry.ts";

/** Whom the rules may ask about. */
export interface Replicas {
  get(id: ReplicaId): CoreReplica | undefined;
  values(): Iterable<CoreReplica>;
}

/** A granted vote, and where the voter's log ended. */
interface Vote {
  readonly to: ReplicaId;
  readonly lastTerm: number;
  readonly lastIndex: number;
}

/** Ids stay below it, so that a term and a replica make one small number. */
const IDS_MAX = 64;

/**
 * What Raft promises, held against a group after every event. Each event concerns one replica, so
 * only what changed there is looked at.
 */
export class CoreRules {
  readonly #replicas: Replicas;
  readonly #ledger: CoreLedger;
  readonly #registry = new EntryRegistry();
  readonly #leaders: (ReplicaId | undefined)[] = [];
  /** What each replica voted, by term and replica. */
  readonly #votes = new Map<number, Vote>();
  /** What was committed when a read was asked for. */
  readonly #reads: number[] = [];
  readonly #leaderOf = (term: number): ReplicaId | undefined => this.#leaders[term];

  constructor(replicas: Replicas, ledger: CoreLedger) {
    this.#replicas = replicas;
    this.#ledger = ledger;
  }

  /** Something happened to a replica. */
  observe(replica: CoreReplica): void {
    const { raft, seen } = replica;
    const { term, commitIndex } = raft;
    if (term !== seen.term) {
      if (term < seen.term) throw new Violation(`terms never fall: replica ${replica.id}`);
      seen.term = term;
    }
    if (raft.role === "leader") {
      if (seen.leadsTerm !== term) this.#elected(replica, term);
    }
    if (commitIndex !== seen.commit) this.#committed(replica, commitIndex);
    if (raft.role === "candidate" || raft.role === "pre-candidate") this.#checkCandidate(replica);
  }

  /** A replica hands out a write, which its log does not have yet. */
  handOut(replica: CoreReplica, work: StorageAppendMessage): void {
    this.#registry.check(replica.id, replica.disk.handed, work, this.#leaderOf);
  }

  /** A replica has handed out all that it had. */
  settle(replica: CoreReplica): void {
    const { seen, disk, raft } = replica;
    this.#ledger.checkCommit(replica.id, disk.handed, seen.commit);
    if (seen.leadsTerm !== raft.term || seen.isComplete || raft.role !== "leader") return;
    seen.isComplete = true;
    this.#ledger.checkLeader(replica.id, raft.term, disk.handed);
  }

  /** A message leaves a replica, or comes back to it from its own disk. */
  checkPromise(replica: CoreReplica, message: Message): void {
    const { type } = message;
    if (type === "append-response") this.#checkAcknowledgement(replica, message);
    if (type === "vote-response") this.#checkVote(replica, message);
    if (type === "pre-vote-response" && message.reject) this.#checkTerm(replica, message);
    if (type === "vote-request") this.#checkClaim(replica, message);
    if (type !== "append") return;
    this.#registry.checkSent(replica.id, message.prevTerm, message.entries, this.#leaderOf);
  }

  apply(replica: CoreReplica, entry: Entry): void {
    const { id, application, disk } = replica;
    if (entry.index !== application.index + 1) {
      throw new Violation(
        `entries are applied in order: ${entry.index} after ${application.index} at replica ${id}`,
      );
    }
    this.#ledger.apply(id, entry);
    if (disk.durable.term(entry.index) === entry.term) return;
    throw new Violation(`only what is durable here is applied: ${entry.index} at replica ${id}`);
  }

  restore(replica: CoreReplica, snapshot: Snapshot): void {
    const { index, confState } = snapshot;
    must(
      digestOf(snapshot) === this.#ledger.digest(index),
      `a snapshot is the fold of the log: replica ${replica.id} restores ${index}`,
    );
    this.#ledger.reconfigure(replica.id, index, confState);
  }

  /** A read is asked for; its context. */
  askRead(): number {
    this.#reads.push(this.#ledger.lastIndex);
    return this.#reads.length;
  }

  answerRead({ context, index }: ReadState): void {
    const least = present(this.#reads[context - 1], "read");
    must(index >= least, `reads are linearizable: ${index} misses what is committed to ${least}`);
    must(index <= this.#ledger.lastIndex, `reads wait for what is committed: ${index}`);
  }

  /** Votes are counted by a configuration that the candidate does not know to be replaced. */
  #checkCandidate({ id, application, seen, disk }: CoreReplica): void {
    for (let index = application.index + 1; index <= seen.commit; index++) {
      if (disk.handed.entry(index)?.type !== "conf-change") continue;
      throw new Violation(`a candidate knows its voters: ${id} has not applied ${index}`);
    }
  }

  #elected(replica: CoreReplica, term: number): void {
    const { id, seen, application } = replica;
    seen.leadsTerm = term;
    seen.isComplete = false;
    const known = this.#leaders[term];
    if (known !== undefined && known !== id) {
      throw new Violation(`election safety: ${known} and ${id} lead term ${term}`);
    }
    this.#leaders[term] = id;
    const { hardState } = replica.disk.durable;
    must(
      hardState.term === term && hardState.vote === id,
      `a leader's own vote is durable: replica ${id} leads term ${term}`,
    );
    const voters = this.#ledger.configurationAt(application.index);
    // Nothing of its own term is handed out yet: its log is what it campaigned with.
    const { lastIndex } = replica.disk.handed;
    const lastTerm = replica.disk.handed.term(lastIndex);
    const isElected = isAgreed(voters, (voter) => {
      const vote = this.#votes.get(term * IDS_MAX + voter);
      if (vote?.to !== id) return false;
      if (typeof lastTerm !== "number" || vote.lastTerm < lastTerm) return true;
      if (vote.lastTerm === lastTerm && vote.lastIndex <= lastIndex) return true;
      throw new Violation(
        `votes go to complete logs: ${voter} with ${vote.lastIndex}/${vote.lastTerm} votes ` +
          `for ${id} with ${lastIndex}/${lastTerm}`,
      );
    });
    must(isElected, `a majority elects: replica ${id} leads term ${term} without one`);
  }

  #committed(replica: CoreReplica, commit: number): void {
    const { id, seen, raft, disk } = replica;
    if (commit < seen.commit) throw new Violation(`commits stay: replica ${id} falls to ${commit}`);
    seen.commit = commit;
    const ledger = this.#ledger;
    if (raft.role === "leader" && disk.handed.term(commit) !== raft.term) {
      throw new Violation(
        `an earlier term is committed by a later one: replica ${id} in term ${raft.term} ` +
          `commits ${commit}/${disk.handed.term(commit)}`,
      );
    }
    if (commit <= ledger.lastIndex) return;
    this.#checkDurable(replica, commit);
    const from = ledger.lastIndex + 1;
    for (let index = from; index <= commit; index++) {
      ledger.commit(present(disk.handed.entry(index), `entry ${index} at ${id}`), raft.term);
    }
    for (const other of this.#replicas.values()) {
      const { isUp, seen: its } = other;
      if (!isUp || !its.isComplete || its.leadsTerm <= raft.term) continue;
      if (other.raft.role !== "leader" || other.raft.term !== its.leadsTerm) continue;
      ledger.checkLeader(other.id, its.leadsTerm, other.disk.handed, from);
    }
  }

  /** What is committed survives a crash of everybody. */
  #checkDurable(replica: CoreReplica, commit: number): void {
    const { id, raft, application, disk } = replica;
    const term = disk.handed.term(commit);
    const voters = this.#ledger.configurationAt(application.index);
    const isDurable =
      typeof term === "number" &&
      isAgreed(voters, (voter) => {
        return this.#replicas.get(voter)?.disk.durable.has(commit, term) === true;
      });
    must(
      isDurable,
      `what is committed is durable on a majority: ${commit}/${term} at replica ${id} ` +
        `in term ${raft.term}`,
    );
  }

  /** Whatever a replica answers rests on a term that its disk knows. */
  #checkTerm(replica: CoreReplica, { type, term }: AppendResponse | VoteResponse): void {
    if (replica.disk.durable.hardState.term >= term) return;
    throw new Violation(`a ${type} rests on a durable term: ${term} of replica ${replica.id}`);
  }

  /**
   * A candidate asks with a log that survives a crash, unless its term does: after a crash it may
   * ask in the same term again, and a vote that it was given before counts.
   */
  #checkClaim({ id, disk }: CoreReplica, { lastIndex, lastTerm, term }: VoteRequest): void {
    const { durable } = disk;
    if (durable.hardState.term >= term || durable.has(lastIndex, lastTerm)) return;
    throw new Violation(
      `candidates claim what is durable: ${id} claims ${lastIndex}/${lastTerm} in term ${term}`,
    );
  }

  #checkVote(replica: CoreReplica, response: VoteResponse): void {
    this.#checkTerm(replica, response);
    const { to, term, reject } = response;
    if (reject) return;
    const { id, disk } = replica;
    const key = term * IDS_MAX + id;
    const known = this.#votes.get(key);
    if (known !== undefined && known.to !== to) {
      throw new Violation(
        `one vote per term: ${id} votes for ${known.to} and ${to} in term ${term}`,
      );
    }
    const { hardState, lastIndex } = disk.durable;
    const lastTerm = disk.durable.term(lastIndex);
    if (known === undefined && typeof lastTerm === "number") {
      this.#votes.set(key, { to, lastTerm, lastIndex });
    }
    if (hardState.term === term && hardState.vote !== to) {
      throw new Violation(`votes are durable before they count: ${id} for ${to} in term ${term}`);
    }
  }

  #checkAcknowledgement(replica: CoreReplica, response: AppendResponse): void {
    this.#checkTerm(replica, response);
    const { id, disk } = replica;
    const { durable } = disk;
    const { index, term, reject } = response;
    // Once the disk speaks of a later term the entries may rightly have been replaced.
    if (reject || index === 0 || durable.hardState.term !== term) return;
    if (durable.lastIndex < index) {
      throw new Violation(
        `acknowledgements follow the disk: replica ${id} claims ${index} of ${durable.lastIndex}`,
      );
    }
    const leader = this.#replicas.get(this.#leaders[term] ?? 0);
    // After a crash it may have lost what it had sent.
    if (leader?.isUp !== true || leader.raft.role !== "leader") return;
    if (leader.raft.term !== term) return;
    const [theirs, ours] = [leader.disk.handed.term(index), durable.term(index)];
    if (theirs === ours || theirs === "compacted" || ours === "compacted") return;
    throw new Violation(
      `what is acknowledged is what the leader has: ${index}/${ours} at replica ${id}, ` +
        `${index}/${theirs} at ${leader.id}`,
    );
  }
}
