import type { BrokerId } from "@stratalog/base";
import type { Controller } from "./ports.ts";

/**
 * Gives out producer ids from blocks that the controller hands this broker; none twice, whatever
 * crashes.
 */
export class ProducerIds {
  readonly #brokerId: BrokerId;
  readonly #controller: Controller;
  #next = 0;
  #end = 0;
  #allocation: Promise<void> | undefined;

  constructor(brokerId: BrokerId, controller: Controller) {
    this.#brokerId = brokerId;
    this.#controller = controller;
  }

  /** Rejects as the controller does when a block is needed and not to be had. */
  async next(options: { readonly timeoutMs: number }): Promise<number> {
    while (this.#next >= this.#end) {
      // Those who come meanwhile share one block.
      this.#allocation ??= this.#allocate(options.timeoutMs);
      await this.#allocation;
    }
    return this.#next++;
  }

  async #allocate(timeoutMs: number): Promise<void> {
    try {
      const command = { type: "allocate-producer-ids", brokerId: this.#brokerId } as const;
      const block = await this.#controller.submit(command, { timeoutMs });
      this.#next = block.firstProducerId;
      this.#end = block.firstProducerId + block.count;
    } finally {
      this.#allocation = undefined;
    }
  }
}
