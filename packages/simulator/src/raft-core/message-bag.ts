import type { Random } from "@stratalog/base";
import type { Message, ReplicaId } from "raft-ts";
import type { SimKernel } from "../kernel/sim-kernel.ts";

/** How the network treats messages. */
export interface BagOptions {
  /** Most messages take a time in this range. */
  readonly latencyMs: readonly [minimum: number, maximum: number];
  /** Some take up to this long and are overtaken. */
  readonly lateMs: number;
  readonly latePercent: number;
  readonly lossPercent: number;
  readonly duplicatePercent: number;
}

/** Who takes messages out. */
export interface BagWorld {
  deliver(message: Message): void;
  /** A message did not arrive; its sender may hear of it. */
  lost(message: Message): void;
}

const IDS_MAX = 64;

/** Messages under way, as datagrams: lost, late, twice, in any order, in one direction only. */
export class MessageBag {
  readonly #kernel: SimKernel;
  readonly #random: Random;
  readonly #world: BagWorld;
  readonly #cut = new Set<number>();
  #options: BagOptions;

  constructor(kernel: SimKernel, options: BagOptions, world: BagWorld) {
    this.#kernel = kernel;
    this.#random = kernel.random.fork("network");
    this.#options = options;
    this.#world = world;
  }

  /** From now on the network behaves so. */
  setOptions(options: BagOptions): void {
    this.#options = options;
  }

  /** Nothing arrives from `from` at `to` any more. */
  cut(from: ReplicaId, to: ReplicaId): void {
    this.#cut.add(from * IDS_MAX + to);
  }

  /** Every path is open again. */
  heal(): void {
    this.#cut.clear();
  }

  send(message: Message): void {
    const { lossPercent, duplicatePercent } = this.#options;
    if (lossPercent > 0 && this.#random.below(100) < lossPercent) {
      this.#world.lost(message);
      return;
    }
    this.#transport(message);
    if (duplicatePercent > 0 && this.#random.below(100) < duplicatePercent) {
      this.#transport(message);
    }
  }

  #transport(message: Message): void {
    const { latencyMs, lateMs, latePercent } = this.#options;
    const isLate = latePercent > 0 && this.#random.below(100) < latePercent;
    const least = latencyMs[0];
    const most = isLate ? lateMs : latencyMs[1];
    this.#kernel.schedule(least + this.#random.fraction() * (most - least), () => {
      const isCut = this.#cut.has(message.from * IDS_MAX + message.to);
      if (isCut) this.#world.lost(message);
      else this.#world.deliver(message);
    });
  }
}
