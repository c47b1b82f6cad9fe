import { CodedError } from "@stratalog/base";

/**
 * The calls that are open on a listener, so that its stop need not wait for those that last by
 * nature: streams, long polls. Bounded by the listener's connections and streams per connection.
 */
export class OpenCalls {
  readonly #endings = new Set<() => void>();
  #isDraining = false;

  get count(): number {
    return this.#endings.size;
  }

  /** The listener stops: calls end as soon as what they have begun is answered. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Registers how a call is asked to end; returns how to forget it. Asked at once when the listener
   * stops already.
   */
  add(end: () => void): () => void {
    this.#endings.add(end);
    if (this.#isDraining) end();
    return () => {
      this.#endings.delete(end);
    };
  }

  /** Asks every call to end. */
  drain(): void {
    this.#isDraining = true;
    for (const end of this.#endings) end();
  }
}

/** What a call ends with that the listener's stop cut short. */
export function stoppingError(): CodedError {
  return new CodedError("BROKER_NOT_AVAILABLE", "the broker is stopping; ask another one");
}
