import { CodedError } from "@stratalog/base";

/** Records that wait to be taken at once; more are refused. */
const WAITING_MAX = 100_000;

/**
 * Records that cannot be taken yet: their topic is not known, or there is no memory. One line per
 * topic, so that order holds and topics do not wait for each other.
 */
export class AdmissionQueue {
  readonly #lines = new Map<string, Promise<void>>();
  #waitingCount = 0;

  /** Whether a record of this topic must wait its turn. */
  hasWaiting(topic: string): boolean {
    return this.#lines.has(topic);
  }

  /** Runs `task` after those of the same topic; gives its outcome. */
  admit(topic: string, task: () => Promise<void>): Promise<void> {
    if (this.#waitingCount >= WAITING_MAX) {
      throw new CodedError(
        "BUFFER_FULL",
        `${this.#waitingCount} records wait already: await what enqueue and send return`,
      );
    }
    this.#waitingCount++;
    const before = this.#lines.get(topic) ?? Promise.resolve();
    const outcome = before.then(task);
    const turn = outcome
      .catch(() => {
        // Whoever handed in that record hears of it; the line goes on.
      })
      .then(() => {
        this.#waitingCount--;
        if (this.#lines.get(topic) === turn) this.#lines.delete(topic);
      });
    this.#lines.set(topic, turn);
    return outcome;
  }

  /** Resolves when everything that waits now was taken or refused. */
  async idle(): Promise<void> {
    await Promise.all(this.#lines.values());
  }
}
