import { BoundedQueue, CodedError, type Deferred, deferred } from "@stratalog/base";

/** One command and the promise of its answer. */
export interface Submission<Command, Response> {
  readonly command: Command;
  readonly answer: Deferred<Response>;
}

/** Commands that wait for their turn. */
export class SubmissionQueue<Command, Response> {
  readonly #queue: BoundedQueue<Submission<Command, Response>>;

  constructor(limit: number) {
    this.#queue = new BoundedQueue(limit);
  }

  get length(): number {
    return this.#queue.length;
  }

  /** The promise of the answer; rejects with THROTTLED when the queue is full. */
  push(command: Command): Promise<Response> {
    const answer = deferred<Response>();
    if (!this.#queue.push({ command, answer })) {
      const message = `${this.#queue.limit} commands wait already; try again a little later`;
      return Promise.reject(new CodedError("THROTTLED", message));
    }
    return answer.promise;
  }

  shift(): Submission<Command, Response> | undefined {
    return this.#queue.shift();
  }

  rejectAll(error: () => CodedError): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      next.answer.reject(error());
    }
  }
}
