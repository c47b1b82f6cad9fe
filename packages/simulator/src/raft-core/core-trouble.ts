import { present, type Random } from "@stratalog/base";
import type { CoreGroup } from "./core-group.ts";
import type { CoreReplica } from "./core-replica.ts";
import type { TroubleKind } from "./core-shape.ts";

const STORM = { lossPercent: 40, latePercent: 20 };
const SLOW_DISK_MS = { least: 5, most: 60 };

/** Crashes, pauses, cuts and slowness for a group, drawn from the seed until it is stopped. */
export class CoreTrouble {
  readonly #group: CoreGroup;
  readonly #random: Random;
  #isOver = false;

  constructor(group: CoreGroup) {
    this.#group = group;
    this.#random = group.kernel.random.fork("trouble");
  }

  /** One piece of trouble after another. */
  start(): void {
    const { kernel, shape } = this.#group;
    if (shape.trouble.length === 0) return;
    kernel.schedule(this.#random.fraction() * 2 * shape.troubleMs, () => {
      if (this.#isOver) return;
      this.#cause(this.#pick(shape.trouble));
      this.start();
    });
  }

  /** No more of it; what is broken stays so. */
  stop(): void {
    this.#isOver = true;
  }

  #cause(kind: TroubleKind): void {
    const { replicas, bag, shape, leader } = this.#group;
    const replica = this.#pick(replicas);
    const other = this.#pick(replicas);
    this.#group.note("trouble", kind, [replica.id, other.id]);
    switch (kind) {
      case "crash":
        return this.#crash(replica);
      case "crash-leader":
        return this.#crash(leader ?? replica);
      case "crash-all":
        for (const each of replicas) this.#crash(each);
        return;
      case "pause":
        replica.node.pause();
        return this.#later(() => replica.node.resume());
      case "cut-path":
        bag.cut(replica.id, other.id);
        return this.#later(() => bag.heal());
      case "cut-replica":
        for (const { id } of replicas) {
          bag.cut(replica.id, id);
          bag.cut(id, replica.id);
        }
        return this.#later(() => bag.heal());
      case "storm":
        bag.setOptions({ ...shape.network, ...STORM });
        return this.#later(() => bag.setOptions(shape.network));
      case "slow-disk":
        this.#group.diskLatencyMs = SLOW_DISK_MS;
        return this.#later(() => {
          this.#group.diskLatencyMs = shape.diskMs;
        });
    }
  }

  #crash(replica: CoreReplica): void {
    replica.crash();
    this.#later(() => replica.boot());
  }

  #later(task: () => void): void {
    const { kernel, shape } = this.#group;
    kernel.schedule(this.#random.fraction() * shape.outageMs, () => {
      if (!this.#isOver) task();
    });
  }

  #pick<T>(items: readonly T[]): T {
    return present(items[this.#random.below(items.length)], "item");
  }
}
