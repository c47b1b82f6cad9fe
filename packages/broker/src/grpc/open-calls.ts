import { CodedError } from "@stratalog/base";

/**
 * The calls that are open on a listener, so that its stop need not wait for those that last by
 * nature: streams, long polls. Bounded by the listener's connections and streams per connection.
 */
export class OpenCalls {
  readonly #open = new Set<OpenCall>();
  #isDraining = false;

  get count(): number {
    return this.#open.size;
  }

  /** The listener stops: calls end as soon as what they have begun is answered. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Registers how a call is asked to end, and whose; returns how to forget it. Asked at once when
   * the listener stops already.
   */
  add(call: OpenCall): () => void {
    this.#open.add(call);
    if (this.#isDraining) call.end(stoppingError());
    return () => {
      this.#open.delete(call);
    };
  }

  /** Asks every call to end. */
  drain(): void {
    this.#isDraining = true;
    for (const call of this.#open) call.end(stoppingError());
  }

  /** Asks the calls of one connection to end that say whose they are. */
  drainConnection(connection: object): void {
    for (const call of this.#open) if (call.connection === connection) call.end(agedError());
  }
}

/** A call as others may end it. */
export interface OpenCall {
  /**
   * The connection that it came by, for a call that lasts as long as nobody ends it; others end
   * before their connection must.
   */
  readonly connection?: object | undefined;
  /** Ends it when what it has begun is answered, with a reason. */
  readonly end: (reason: CodedError) => void;
}

/** What a stream ends with whose connection is old. */
function agedError(): CodedError {
  const message = "the connection has reached its age; the next call opens another one";
  return new CodedError("BROKER_NOT_AVAILABLE", message);
}

/** What a call ends with that the listener's stop cut short. */
export function stoppingError(): CodedError {
  return new CodedError("BROKER_NOT_AVAILABLE", "the broker is stopping; ask another one");
}
