import { present, type Random } from "@stratalog/base";
import type { ConfChange, ConfChangeStep, ConfState, EntryData, ReplicaId } from "raft-ts";
import { membersOf, modelChange } from "./configuration-model.ts";
import type { CoreGroup } from "./core-group.ts";
import type { CoreReplica } from "./core-replica.ts";
import type { WorkKind } from "./core-shape.ts";

/** A payload is nothing but its size. */
class Payload implements EntryData {
  readonly byteLength: number;

  constructor(byteLength: number) {
    this.byteLength = byteLength;
  }
}

const PAYLOAD_BYTES_MAX = 50;

/** Proposals, reads and changes for a group, drawn from the seed until it is stopped. */
export class CoreWork {
  readonly #group: CoreGroup;
  readonly #random: Random;
  /** Ids that a proposed change removes: they are never added again. */
  readonly #removed = new Set<ReplicaId>();
  #isOver = false;

  constructor(group: CoreGroup) {
    this.#group = group;
    this.#random = group.kernel.random.fork("work");
  }

  /** One thing after another. */
  start(): void {
    const { kernel, shape } = this.#group;
    kernel.schedule(this.#random.fraction() * 2 * shape.workMs, () => {
      if (this.#isOver) return;
      this.#act(this.#pick(shape.work));
      this.start();
    });
  }

  /** No more of it. */
  stop(): void {
    this.#isOver = true;
  }

  /** Proposes an entry; its position when it is taken. */
  propose(replica: CoreReplica): { readonly index: number; readonly term: number } | undefined {
    let position: { readonly index: number; readonly term: number } | undefined;
    replica.input((raft) => {
      const count = 1 + (this.#random.below(4) === 0 ? this.#random.below(4) : 0);
      const data = Array.from({ length: count }, () => this.#payload());
      const result = raft.proposeBatch(data);
      if (result.accepted && result.index !== undefined) position = result;
    });
    return position;
  }

  /** Leaves a joint configuration that does not leave itself. */
  leaveJoint(leader: CoreReplica): void {
    leader.input((raft) => raft.proposeConfChange({ transition: "auto", changes: [] }));
  }

  #act(kind: WorkKind): void {
    const group = this.#group;
    const replica = this.#pick(group.replicas);
    const other = this.#pick(group.replicas);
    const leader = group.leader ?? replica;
    // Whoever thinks it leads, now and then: stale reads and logs that differ come from there.
    const leaders = group.replicas.filter(({ raft, isUp }) => isUp && raft.role === "leader");
    const anyLeader = leaders.length === 0 ? replica : this.#pick(leaders);
    const anybody = this.#random.below(3) === 0 ? replica : anyLeader;
    if (kind !== "propose") group.note("work", kind, [replica.id, other.id, leader.id]);
    switch (kind) {
      case "propose":
        this.propose(anybody);
        return;
      case "read":
        this.#read(anybody);
        return;
      case "change":
        this.#change(leader);
        group.retire();
        return;
      case "transfer":
        replica.input((raft) => raft.transferLeadership(other.id));
        return;
      case "compact":
        this.#compact(replica);
        return;
      case "forget-leader":
        replica.input((raft) => raft.forgetLeader());
        return;
      case "campaign":
        replica.input((raft) => raft.campaign({ force: this.#random.below(4) === 0 }));
        return;
      case "report-unreachable":
        leader.input((raft) => raft.reportUnreachable(other.id));
        return;
    }
  }

  #read(replica: CoreReplica): void {
    replica.input((raft) => raft.readIndex(this.#group.rules.askRead()));
  }

  /** A checkpoint, and after it a part of the log goes. */
  #compact(replica: CoreReplica): void {
    if (replica.node.state !== "running") return;
    const { disk, application } = replica;
    disk.save(application.capture(), () => {
      const { checkpoint, firstIndex } = disk.durable;
      const span = checkpoint.index - firstIndex + 1;
      if (span > 0) disk.compact(firstIndex + this.#random.below(span));
    });
  }

  /** Proposes a change that fits, where the leader is believed to know what is in force. */
  #change(leader: CoreReplica): void {
    if (leader.node.state !== "running" || leader.raft.role !== "leader") return;
    const { confState } = leader.application;
    if (confState.votersOutgoing.length > 0) {
      if (!confState.autoLeave || this.#random.below(8) === 0) this.leaveJoint(leader);
      return;
    }
    const change = this.#drawChange(confState);
    const after = modelChange(confState, change);
    // A single voter is legal and rare.
    const least = this.#random.below(4) === 0 ? 1 : 2;
    if (after === undefined || after.voters.length < least) return;
    for (const { kind, replica } of change.changes) {
      if (kind === "remove") this.#removed.add(replica);
    }
    leader.input((raft) => raft.proposeConfChange(change));
  }

  #drawChange(confState: ConfState): ConfChange {
    const changes: ConfChangeStep[] = [];
    const count = this.#random.below(3) === 0 ? 1 + this.#random.below(3) : 1;
    for (let i = 0; i < count; i++) {
      const replica = this.#candidate(confState);
      if (replica === undefined) continue;
      const isMember = membersOf(confState).has(replica);
      const kinds = isMember
        ? (["add-voter", "add-learner", "remove", "remove", "update"] as const)
        : (["add-voter", "add-learner"] as const);
      changes.push({ kind: this.#pick(kinds), replica });
    }
    const transition = this.#pick(["auto", "auto", "joint-implicit", "joint-explicit"] as const);
    return { transition: changes.length === 0 ? "joint-implicit" : transition, changes };
  }

  /** A member, or a machine that is none yet. */
  #candidate(confState: ConfState): ReplicaId | undefined {
    const members = membersOf(confState);
    const fresh = this.#group.replicas
      .map(({ id }) => id)
      .filter((id) => !members.has(id) && !this.#removed.has(id) && !this.#group.isFormer(id));
    if (fresh.length === 0 && this.#group.hasRoom) fresh.push(this.#group.spawn().id);
    const usable = [...members].filter((id) => !this.#removed.has(id));
    const pool = [...usable, ...fresh];
    return pool.length === 0 ? undefined : this.#pick(pool);
  }

  #payload(): Payload {
    return new Payload(this.#random.below(PAYLOAD_BYTES_MAX));
  }

  #pick<T>(items: readonly T[]): T {
    return present(items[this.#random.below(items.length)], "item");
  }
}
