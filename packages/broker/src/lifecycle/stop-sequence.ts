import type { Logger } from "@stratalog/base";

/**
 * How to undo a start, step by step: steps are added as parts come up and run in reverse order. A step that fails does not
 * keep the others from running.
 */
export class StopSequence {
  readonly #logger: Logger;
  readonly #steps: { readonly name: string; readonly stop: () => Promise<void> | void }[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, stop: () => Promise<void> | void): void {
    this.#steps.push({ name, stop });
  }

  /** Runs all steps that were added, newest first; then rejects with the first failure, if any. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      this.#logger.debug({ step: step.name }, "stopping");
      try {
        await step.stop();
      } catch (error) {
        this.#logger.error({ err: error, step: step.name }, "a part did not stop cleanly");
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
