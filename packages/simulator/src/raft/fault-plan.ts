import { present, type Random } from "@stratalog/base";
import type { RaftCluster, SimMember } from "./raft-cluster.ts";

/** One kind of trouble. */
export type FaultKind =
  | "crash"
  | "crash-all"
  | "pause"
  | "cut-node"
  | "cut-path"
  | "break-connection"
  | "transfer";

const KINDS: readonly FaultKind[] = [
  "crash",
  "crash-all",
  "pause",
  "cut-node",
  "cut-path",
  "break-connection",
  "transfer",
];
const PAUSE_BETWEEN_MS = 900;

/**
 * Trouble for a cluster, drawn from the seed. Each run leaves out some kinds of it: a mix of
 * everything hides what a long row of one kind would show.
 */
export class FaultPlan {
  readonly #cluster: RaftCluster;
  readonly #random: Random;
  readonly #kinds: readonly FaultKind[];
  #isOver = false;

  constructor(cluster: RaftCluster) {
    this.#cluster = cluster;
    this.#random = cluster.kernel.random.fork("faults");
    const drawn = KINDS.filter(() => this.#random.below(2) === 0);
    this.#kinds = drawn.length > 0 ? drawn : KINDS;
  }

  /** What this run may do. */
  get kinds(): readonly FaultKind[] {
    return this.#kinds;
  }

  start(): void {
    const { kernel } = this.#cluster;
    kernel.note(`faults: ${this.#kinds.join(" ")}`);
    kernel.schedule(this.#random.fraction() * 2 * PAUSE_BETWEEN_MS, () => this.#next());
  }

  /** Ends all trouble: everybody runs and reaches everybody. */
  stop(): void {
    this.#isOver = true;
    const { network, members, kernel } = this.#cluster;
    kernel.note("faults end");
    network.heal();
    for (const member of members) {
      member.node.resume();
      this.#cluster.boot(member);
    }
  }

  #next(): void {
    if (this.#isOver) return;
    this.#cause(this.#pick(this.#kinds));
    const { kernel } = this.#cluster;
    kernel.schedule(this.#random.fraction() * 2 * PAUSE_BETWEEN_MS, () => this.#next());
  }

  #cause(kind: FaultKind): void {
    const { kernel, members, network } = this.#cluster;
    const member = this.#pick(members);
    const other = this.#pick(members);
    kernel.note(`fault ${kind} ${member.id} ${other.id}`);
    switch (kind) {
      case "crash":
        this.#crash(member);
        return;
      case "crash-all":
        for (const each of members) this.#crash(each);
        return;
      case "pause":
        member.node.pause();
        this.#later(3000, () => member.node.resume());
        return;
      case "cut-node":
        for (const peer of members) {
          if (peer === member) continue;
          network.cut(member.id, peer.id);
          network.cut(peer.id, member.id);
        }
        this.#later(5000, () => network.heal());
        return;
      case "cut-path":
        if (member !== other) network.cut(member.id, other.id);
        this.#later(5000, () => network.heal());
        return;
      case "break-connection":
        network.breakConnection(member.id, other.id);
        return;
      case "transfer":
        this.#transfer(other);
        return;
    }
  }

  #crash(member: SimMember): void {
    this.#cluster.crash(member);
    this.#later(3000, () => this.#cluster.boot(member));
  }

  #transfer(to: SimMember): void {
    const group = this.#pick(this.#cluster.groups);
    const leader = this.#cluster.leaderOf(group);
    leader?.replicas.get(group)?.group.transferLeadership(to.id);
  }

  #later(limitMs: number, task: () => void): void {
    this.#cluster.kernel.schedule(this.#random.fraction() * limitMs, () => {
      if (!this.#isOver) task();
    });
  }

  #pick<T>(items: readonly T[]): T {
    return present(items[this.#random.below(items.length)], "item");
  }
}
