import { CodedError, deferred, type Deferred } from "@stratalog/base";

/** Records that wait to be taken at once; more are refused. */
const WAITING_MAX = 100_000;

interface Waiting {
  readonly task: () => Promise<void>;
  readonly outcome: Deferred<void>;
}

/**
 * Records that cannot be taken yet: their topic is not known, or there is no memory. One line per
 * topic, so that order holds and topics do not wait for each other.
 */
export class AdmissionQueue {
  readonly #lines = new Map<string, Waiting[]>();
  readonly #running = new Set<Promise<void>>();
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
    const waiting = { task, outcome: deferred<void>() };
    const line = this.#lines.get(topic);
    if (line !== undefined) {
      line.push(waiting);
    } else {
      const running = this.#run(topic, waiting);
      this.#running.add(running);
      void running.then(() => this.#running.delete(running));
    }
    return waiting.outcome.promise;
  }

  /** Resolves when everything that waits now was taken or refused. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Works a line off; never rejects. */
  async #run(topic: string, first: Waiting): Promise<void> {
    let line = [first];
    this.#lines.set(topic, line);
    while (line.length > 0) {
      const some = line;
      line = [];
      this.#lines.set(topic, line);
      for (const [index, { task, outcome }] of some.entries()) {
        const failure = await task().then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
        this.#waitingCount--;
        // The line is gone before its last record is told: whoever goes on then finds it free.
        const isLast = index === some.length - 1 && line.length === 0;
        if (isLast) this.#lines.delete(topic);
        if (failure === undefined) outcome.resolve();
        else outcome.reject(failure.error);
      }
    }
  }
}
