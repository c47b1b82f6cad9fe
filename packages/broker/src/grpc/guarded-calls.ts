import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { type Clock, CodedError } from "@stratalog/base";
import { CallGuard } from "./call-guard.ts";
import type { CallMemory } from "./call-memory.ts";
import { decoderOf, streamOf, type CallDecoder, type CallStream } from "./grpc-internals.ts";

/** RST_STREAM's "you ask too much". */
const ENHANCE_YOUR_CALM = 11;
/** What a piece of a message costs besides its bytes: a view, and its place in a list. */
const PIECE_BYTES = 256;

type Call = Parameters<ServerInterceptor>[1];
type Responder = ConstructorParameters<typeof ServerInterceptingCall>[1];

/** A call whose reads pass a gate and whose messages are counted until they are taken. */
class GuardedCall extends ServerInterceptingCall {
  readonly #guard: CallGuard;
  readonly #stream: CallStream | undefined;

  constructor(
    call: Call,
    parts: {
      readonly guard: CallGuard;
      readonly stream: CallStream | undefined;
      readonly responder: Responder;
    },
  ) {
    super(call, parts.responder);
    this.#guard = parts.guard;
    this.#stream = parts.stream;
  }

  override startRead(): void {
    this.#guard.gate.pass(() => super.startRead());
  }

  // The library's own type of a message.
  // oxlint-disable-next-line typescript/no-explicit-any
  override sendMessage(message: any, callback: () => void): void {
    const stream = this.#stream;
    if (stream === undefined) {
      super.sendMessage(message, callback);
      return;
    }
    const beforeBytes = stream.writableLength;
    let bytes = 0;
    super.sendMessage(message, () => {
      this.#guard.removeAnswer(bytes);
      callback();
    });
    bytes = Math.max(0, stream.writableLength - beforeBytes);
    this.#guard.addAnswer(bytes);
  }
}

/**
 * The guards of calls by the metadata that they came with: what an interceptor and a handler both
 * see.
 */
export class GuardedCalls {
  readonly #clock: Clock;
  readonly #memory: CallMemory;
  readonly #guards = new WeakMap<Metadata, CallGuard>();

  constructor(options: { readonly clock: Clock; readonly memory: CallMemory }) {
    this.#clock = options.clock;
    this.#memory = options.memory;
  }

  get memory(): CallMemory {
    return this.#memory;
  }

  /** Puts a guard around every call. */
  readonly interceptor: ServerInterceptor = (_method, call) => {
    const stream = streamOf(call);
    const guard = this.#createGuard(stream);
    const decoder = decoderOf(call);
    if (decoder !== undefined) limitRequests(decoder, guard);
    const responder: Responder = {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            this.#guards.set(metadata, guard);
            pass(metadata);
          },
        });
      },
    };
    return new GuardedCall(call, { guard, stream, responder });
  };

  /**
   * The guard of the call that came with this metadata; one that holds nothing when there is none.
   */
  of(metadata: Metadata): CallGuard {
    return this.#guards.get(metadata) ?? this.#createGuard(undefined);
  }

  #createGuard(stream: CallStream | undefined): CallGuard {
    const guard = new CallGuard({
      clock: this.#clock,
      total: this.#memory.total,
      connection: this.#memory.ofConnection(stream?.session ?? {}),
      connectionKey: stream?.session,
      reset: () => stream?.close(ENHANCE_YOUR_CALM),
    });
    if (stream === undefined) return guard;
    this.#memory.add(guard);
    stream.once("close", () => {
      this.#memory.delete(guard);
      guard.close();
    });
    return guard;
  }
}

/**
 * Counts what has come of a message that is not whole yet. The library answers what its decoder
 * throws with RESOURCE_EXHAUSTED and would go on to gather what else comes.
 */
function limitRequests(decoder: CallDecoder, guard: CallGuard): void {
  const write = decoder.write.bind(decoder);
  let isRefused = false;
  decoder.write = (bytes) => {
    if (isRefused) return [];
    const messages = write(bytes);
    // The library would keep the pieces of a message that is whole until the next one begins.
    if (decoder.readMessageRemaining === 0 && decoder.readPartialMessage.length > 0) {
      decoder.readPartialMessage = [];
    }
    if (guard.setRequestBytes(heldBytes(decoder))) return messages;
    isRefused = true;
    decoder.readPartialMessage = [];
    guard.setRequestBytes(0);
    throw new CodedError("THROTTLED", "requests that are not whole yet take all room; send less");
  };
}

function heldBytes(decoder: CallDecoder): number {
  const { readMessageSize, readMessageRemaining, readPartialMessage } = decoder;
  if (readMessageRemaining === 0) return 0;
  return readMessageSize - readMessageRemaining + readPartialMessage.length * PIECE_BYTES;
}
