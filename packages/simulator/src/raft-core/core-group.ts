import { type Random } from "@stratalog/base";
import type { Message, ReplicaId } from "raft-ts";
import type { SimKernel } from "../kernel/sim-kernel.ts";
import { membersOf } from "./configuration-model.ts";
import type { DiskMutant } from "./core-disk.ts";
import { CoreLedger } from "./core-ledger.ts";
import { CoreReplica } from "./core-replica.ts";
import { CoreRules } from "./core-rules.ts";
import { type CoreShape, REPLICAS_MAX } from "./core-shape.ts";
import { MessageBag } from "./message-bag.ts";

/** Replicas that are told how a message fared hear of it after up to this long. */
const REPORT_MS = 5;

/** One Raft group: cores on their machines, the messages between them, and the rules. */
export class CoreGroup {
  readonly kernel: SimKernel;
  readonly shape: CoreShape;
  readonly mutant: DiskMutant | undefined;
  readonly rules: CoreRules;
  readonly ledger: CoreLedger;
  readonly bag: MessageBag;
  readonly #replicas = new Map<ReplicaId, CoreReplica>();
  readonly #random: Random;
  #lastId = 0;
  /** How long a disk takes for one thing. */
  diskLatencyMs: { readonly least: number; readonly most: number };

  constructor(kernel: SimKernel, shape: CoreShape, mutant: DiskMutant | undefined) {
    this.mutant = mutant;
    this.kernel = kernel;
    this.shape = shape;
    this.#random = kernel.random.fork("group");
    this.ledger = new CoreLedger(shape.confState);
    this.rules = new CoreRules(this.#replicas, this.ledger);
    this.diskLatencyMs = shape.diskMs;
    this.bag = new MessageBag(kernel, shape.network, {
      deliver: (message) => this.#deliver(message),
      lost: (message) => this.#report(message, "failed"),
    });
    for (const _ of membersOf(shape.confState)) this.spawn();
  }

  get replicas(): readonly CoreReplica[] {
    return [...this.#replicas.values()];
  }

  get(id: ReplicaId): CoreReplica | undefined {
    return this.#replicas.get(id);
  }

  /** Whoever leads the latest term, as far as anybody that runs believes. */
  get leader(): CoreReplica | undefined {
    let found: CoreReplica | undefined;
    for (const replica of this.#replicas.values()) {
      if (replica.node.state !== "running" || replica.raft.role !== "leader") continue;
      if (found === undefined || replica.raft.term > found.raft.term) found = replica;
    }
    return found;
  }

  get hasRoom(): boolean {
    return this.#replicas.size < REPLICAS_MAX;
  }

  /** A new machine, outside of the group until a change adds it. Ids are never used again. */
  spawn(): CoreReplica {
    this.#lastId++;
    this.note("spawn", "", [this.#lastId]);
    const replica = new CoreReplica(this, this.#lastId, this.shape.confState);
    this.#replicas.set(this.#lastId, replica);
    return replica;
  }

  /**
   * Stops for good who was removed, once all who are left know it durably. Earlier its vote may
   * still be needed by those who do not know.
   */
  retire(): void {
    const { index, confState } = this.ledger.configuration;
    const members = membersOf(confState);
    for (const id of members) {
      if ((this.#replicas.get(id)?.disk.durable.checkpoint.index ?? 0) < index) return;
    }
    for (const replica of this.#replicas.values()) {
      if (members.has(replica.id) || !this.isFormer(replica.id)) continue;
      this.note("retire", "", [replica.id]);
      replica.crash();
      this.#replicas.delete(replica.id);
    }
  }

  /** Whether a committed configuration had this replica and the newest one has not. */
  isFormer(id: ReplicaId): boolean {
    return this.ledger.wasMember(id) && !membersOf(this.ledger.configuration.confState).has(id);
  }

  send(message: Message): void {
    this.bag.send(message);
  }

  note(what: string, detail: string, numbers: readonly number[]): void {
    this.kernel.trace.addEvent({ timeMs: this.kernel.monotonicMs(), what, detail, numbers });
  }

  #deliver(message: Message): void {
    const { type, from, to, term } = message;
    this.note("deliver", type, [from, to, term, positionOf(message)]);
    const target = this.#replicas.get(to);
    target?.receive(message);
    this.#report(message, target?.isUp === true ? "delivered" : "failed");
  }

  /** A transport must tell how a snapshot fared: its sender waits for that. */
  #report(message: Message, outcome: "delivered" | "failed"): void {
    if (message.type !== "snapshot") return;
    const sender = this.#replicas.get(message.from);
    sender?.node.schedule(this.#random.fraction() * REPORT_MS, () => {
      sender.input((raft) => raft.reportSnapshot(message.to, outcome));
    });
  }
}

/** The position in the log that a message is about, for the trace. */
function positionOf(message: Message): number {
  if ("prevIndex" in message) return message.prevIndex;
  if ("index" in message) return message.index;
  if ("lastIndex" in message) return message.lastIndex;
  if ("snapshot" in message) return message.snapshot?.index ?? 0;
  return "commit" in message ? (message.commit ?? 0) : 0;
}
