import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";

/**
 * Holds back the reading of a call's next message. `pause()` of a stream is not enough: its buffer
 * would still take in sixteen messages, each as large as messages may be. A held message stays in
 * HTTP/2's window.
 */
export class ReadGate {
  #isOpen = true;
  #held: (() => void) | undefined;

  /** Lets the next message be read, or not. */
  set(isOpen: boolean): void {
    this.#isOpen = isOpen;
    const held = this.#held;
    if (!isOpen || held === undefined) return;
    this.#held = undefined;
    held();
  }

  /** Reads now, or when the gate opens. The library asks for one message at a time. */
  pass(read: () => void): void {
    if (this.#isOpen) read();
    else this.#held = read;
  }
}

class GatedCall extends ServerInterceptingCall {
  readonly gate = new ReadGate();

  override startRead(): void {
    this.gate.pass(() => super.startRead());
  }
}

/**
 * The gates of calls by the metadata that they came with: what an interceptor and a handler both
 * see.
 */
export class ReadGates {
  readonly #gates = new WeakMap<Metadata, ReadGate>();

  /** Puts a gate into every call. */
  readonly interceptor: ServerInterceptor = (_method, call) => {
    const gated = new GatedCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            this.#gates.set(metadata, gated.gate);
            pass(metadata);
          },
        });
      },
    });
    return gated;
  };

  /**
   * The gate of the call that came with this metadata; one that holds nothing when there is none.
   */
  of(metadata: Metadata): ReadGate {
    return this.#gates.get(metadata) ?? new ReadGate();
  }
}
