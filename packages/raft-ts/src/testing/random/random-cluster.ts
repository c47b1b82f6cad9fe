import { assert } from "../../core/assert.ts";
import { isMember, isVoter } from "../../core/membership/configuration.ts";
import type { Message } from "../../core/messages.ts";
import type { ConfChangeStep, Entry, ReplicaId, Snapshot } from "../../core/types.ts";
import { ScriptData } from "../describe/describe-entry.ts";
import {
  RandomReplica,
  type RandomReplicaOptions,
  type RandomReplicaWatcher,
} from "./random-replica.ts";
import { SeededSource } from "./seeded-source.ts";

/** One run: how many replicas, and what happens to them how often. */
export interface RandomClusterOptions extends RandomReplicaOptions {
  readonly seed: number;
  readonly voterCount: number;
  /** Replicas that start outside of the group. */
  readonly spareCount: number;
  /** Percent of messages that are lost, and that arrive twice. */
  readonly lossPercent: number;
  readonly duplicatePercent: number;
  /** Percent of Readies during which the replica crashes, at each of three points. */
  readonly crashPercent: number;
}

const MESSAGES_MAX = 500;

/**
 * A group under random events, watched for what Raft promises: one leader per term, one entry per
 * index, reads that see everything committed before they were asked for, and, once the events stop,
 * progress.
 */
export class RandomCluster implements RandomReplicaWatcher {
  readonly #options: RandomClusterOptions;
  readonly #source: SeededSource;
  readonly #replicas = new Map<ReplicaId, RandomReplica>();
  readonly #leaders = new Map<number, ReplicaId>();
  readonly #committed = new Map<number, Entry>();
  readonly #reads = new Map<number, number>();
  #messages: Message[] = [];
  #cut = new Set<ReplicaId>();
  #proposalCount = 0;
  #readCount = 0;
  confirmedReadCount = 0;

  constructor(options: RandomClusterOptions) {
    this.#options = options;
    this.#source = new SeededSource(options.seed);
    const count = options.voterCount + options.spareCount;
    const ids = Array.from({ length: count }, (_, position) => position + 1);
    const voters = ids.slice(0, options.voterCount);
    const world = { source: this.#source, watcher: this };
    // Whoever is not given a snapshot must start from the group's first configuration: no log entry
    // holds it.
    for (const id of ids) this.#replicas.set(id, new RandomReplica(id, voters, options, world));
  }

  get highestCommitted(): number {
    return Math.max(0, ...this.#committed.keys());
  }

  sent(message: Message): void {
    if (this.#messages.length < MESSAGES_MAX) this.#messages.push(message);
    else this.#report(message, "failed");
  }

  applied(id: ReplicaId, entry: Entry): void {
    const known = this.#committed.get(entry.index);
    if (known === undefined) {
      this.#committed.set(entry.index, entry);
      return;
    }
    assert(
      known === entry,
      `replica ${id} applied another entry at ${entry.index}, of term ${entry.term}`,
    );
  }

  restored(id: ReplicaId, snapshot: Snapshot): void {
    const known = this.#committed.get(snapshot.index);
    assert(
      known !== undefined && known.term === snapshot.term,
      `replica ${id} restored a snapshot of what was never committed`,
    );
  }

  readConfirmed(context: number, index: number): void {
    const least = this.#reads.get(context);
    assert(least !== undefined, `nobody asked for read ${context}`);
    assert(index >= least, `a read at ${index} misses entries committed through ${least}`);
    this.confirmedReadCount++;
  }

  /** `count` random events. */
  run(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#event();
      this.#checkLeaders();
    }
  }

  #event(): void {
    const source = this.#source;
    const replica = source.pick([...this.#replicas.values()]);
    if (replica === undefined) return;
    if (!replica.isUp) {
      if (source.chance(10)) replica.restart();
      return;
    }
    const dice = source.below(1000);
    if (dice < 400) this.#deliverOne();
    else if (dice < 700) replica.takeReady(this.#options.crashPercent);
    else if (dice < 850) replica.work();
    else if (dice < 880) replica.serveWant();
    else if (dice < 900) replica.raft.tick();
    else if (dice < 960) this.#propose(this.#findLeader() ?? replica);
    else this.#rareEvent(replica, dice);
  }

  #rareEvent(replica: RandomReplica, dice: number): void {
    const source = this.#source;
    const peer = 1 + source.below(this.#replicas.size);
    if (dice < 970) this.#read(replica);
    else if (dice < 975) this.#proposeChange(this.#findLeader() ?? replica);
    else if (dice < 979) replica.compact();
    else if (dice < 982) replica.raft.transferLeadership(peer);
    else if (dice < 984) replica.raft.reportUnreachable(peer);
    else if (dice < 986)
      replica.raft.reportSnapshot(peer, source.chance(50) ? "delivered" : "failed");
    else if (dice < 988) replica.raft.forgetLeader();
    else if (dice < 990) replica.raft.campaign({ force: source.chance(20) });
    else if (dice < 994) this.#cut = new Set([peer, 1 + source.below(this.#replicas.size)]);
    else if (dice < 997) this.#cut = new Set();
    else if (this.#options.crashPercent > 0) replica.crash();
  }

  /** Messages come in any order. */
  #deliverOne(): void {
    const source = this.#source;
    const position = source.below(Math.max(1, this.#messages.length));
    const message = this.#messages[position];
    if (message === undefined) return;
    if (!source.chance(this.#options.duplicatePercent)) {
      const last = this.#messages.pop();
      if (last !== undefined && position < this.#messages.length) this.#messages[position] = last;
    }
    const isCut = this.#cut.has(message.from) || this.#cut.has(message.to);
    if (isCut || source.chance(this.#options.lossPercent)) this.#report(message, "failed");
    else this.#step(message);
  }

  #step(message: Message): void {
    const target = this.#replicas.get(message.to);
    const isDelivered = target?.isUp === true;
    if (isDelivered) target.raft.step(message);
    this.#report(message, isDelivered ? "delivered" : "failed");
  }

  /** A transport must tell how a snapshot fared: its sender waits for that. */
  #report(message: Message, outcome: "delivered" | "failed"): void {
    if (message.type !== "snapshot") return;
    const sender = this.#replicas.get(message.from);
    if (sender?.isUp === true) sender.raft.reportSnapshot(message.to, outcome);
  }

  #propose(replica: RandomReplica): void {
    this.#proposalCount++;
    replica.raft.propose(new ScriptData(`p${this.#proposalCount}`));
  }

  #read(replica: RandomReplica): void {
    this.#readCount++;
    this.#reads.set(this.#readCount, this.highestCommitted);
    replica.raft.readIndex(this.#readCount);
  }

  /**
   * Adds and removes replicas; never the last two voters, since both of them might be gone for
   * good.
   */
  #proposeChange(replica: RandomReplica): void {
    const source = this.#source;
    const { confState } = replica.raft.status();
    if (confState.votersOutgoing.length > 0) {
      if (!confState.autoLeave) replica.raft.proposeConfChange({ transition: "auto", changes: [] });
      return;
    }
    const changes: ConfChangeStep[] = [];
    const size = 1 + source.below(3);
    const voters = new Set(confState.voters);
    for (let i = 0; i < size; i++) {
      const id = 1 + source.below(this.#replicas.size);
      const kind = source.pick(["add-voter", "add-learner", "remove"] as const) ?? "add-voter";
      if (kind === "add-voter") voters.add(id);
      else voters.delete(id);
      changes.push({ kind, replica: id });
    }
    if (voters.size < 2) return;
    const transition = source.pick(["auto", "joint-implicit", "joint-explicit"] as const) ?? "auto";
    replica.raft.proposeConfChange({ transition, changes });
  }

  /** The leader of the latest term, as far as anybody knows. */
  #findLeader(): RandomReplica | undefined {
    return [...this.#replicas.values()]
      .filter(({ raft, isUp }) => isUp && raft.role === "leader")
      .sort((a, b) => b.raft.term - a.raft.term)[0];
  }

  #checkLeaders(): void {
    for (const { id, raft, isUp } of this.#replicas.values()) {
      if (!isUp || raft.role !== "leader") continue;
      const other = this.#leaders.get(raft.term);
      assert(other === undefined || other === id, `${id} and ${other} lead term ${raft.term}`);
      this.#leaders.set(raft.term, id);
    }
  }

  /**
   * Ends all faults and lets time pass. Then somebody must lead, and an entry that it takes must
   * reach every member.
   */
  settle(): void {
    this.#cut = new Set();
    for (let round = 0; round < 300; round++) {
      this.#followMembership();
      this.#calm();
      if (round % 50 === 49 && this.#tryToFinish()) return;
      this.#tickAll();
    }
    throw new Error(`no progress without faults: ${this.#describe()}`);
  }

  /**
   * Whoever the newest known configuration leaves out is stopped, as a host would do: without
   * pre-vote it could disturb the others for ever. Whoever is in it runs.
   */
  #followMembership(): void {
    const replicas = [...this.#replicas.values()].sort((a, b) => b.applied - a.applied);
    const newest = replicas[0];
    if (newest === undefined) return;
    for (const replica of replicas) {
      const isIn = isMember(newest.confState, replica.id);
      if (isIn && !replica.isUp) replica.restart();
      if (!isIn && replica.isUp) replica.crash();
    }
  }

  #tickAll(): void {
    for (const { raft, isUp } of this.#replicas.values()) if (isUp) raft.tick();
  }

  #tryToFinish(): boolean {
    const leader = this.#findLeader();
    if (leader === undefined) return false;
    const { confState } = leader.raft.status();
    // A follower may wait for a snapshot that is younger than its membership.
    leader.snapshot();
    if (confState.votersOutgoing.length > 0) {
      leader.raft.proposeConfChange({ transition: "auto", changes: [] });
      return false;
    }
    if (!isVoter(confState, leader.id)) {
      // Without stepDownOnRemoval a leader that was removed must be told to make way.
      leader.raft.transferLeadership(confState.voters[0] ?? 0);
      return false;
    }
    const result = leader.raft.propose(new ScriptData("last"));
    if (!result.accepted || result.index === undefined) return false;
    for (let round = 0; round < 20; round++) {
      this.#calm();
      this.#tickAll();
    }
    const { index } = result;
    const members = [...this.#replicas.values()].filter(({ id }) => isMember(confState, id));
    return (
      isVoter(confState, leader.id) &&
      members.every((replica) => replica.raft.appliedIndex >= index)
    );
  }

  /** Everything that can happen without a tick happens, and nothing is lost. */
  #calm(): void {
    for (let round = 0; round < 2000; round++) {
      const messages = this.#messages;
      this.#messages = [];
      for (const message of messages) this.#step(message);
      for (const replica of this.#replicas.values()) {
        if (!replica.isUp) continue;
        replica.takeReady(0);
        replica.serveWant();
        replica.work();
      }
      this.#checkLeaders();
      const isIdle = [...this.#replicas.values()].every((one) => !one.isUp || one.isIdle);
      if (isIdle && this.#messages.length === 0) return;
    }
    throw new Error(`the group never comes to rest: ${this.#describe()}`);
  }

  #describe(): string {
    const states = [...this.#replicas.values()].map(({ raft, applied }) => ({
      ...raft.status(),
      applied,
    }));
    return JSON.stringify(states, undefined, 1);
  }
}
