import { assert, type Logger } from "@stratalog/base";

/**
 * What has to be undone, in an order that is written down once and not the reverse of how things
 * happened to start. Parts
 * add their step as they come up; a step that fails does not keep the others from running.
 */
export class StopSequence<Step extends string> {
  readonly #order: readonly Step[];
  readonly #logger: Logger;
  readonly #steps = new Map<Step, () => Promise<void> | void>();

  constructor(order: readonly Step[], logger: Logger) {
    this.#order = order;
    this.#logger = logger;
  }

  add(step: Step, stop: () => Promise<void> | void): void {
    assert(!this.#steps.has(step), `two ways to stop: ${step}`);
    this.#steps.set(step, stop);
  }

  /** Runs the steps that were added, each once; then rejects with the first failure, if any. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#order) {
      const stop = this.#steps.get(step);
      this.#steps.delete(step);
      if (stop === undefined) continue;
      this.#logger.debug({ step }, "stopping");
      try {
        await stop();
      } catch (error) {
        this.#logger.error({ err: error, step }, "a part did not stop cleanly");
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
