import { CodedError } from "@stratalog/base";
import {
  type AppendResult,
  type BatchAppend,
  fromWireError,
  type Input,
  type ProduceStreamRequest,
} from "@stratalog/protocol";
import type { Connection, OutgoingStream } from "../../ports/transport.ts";

/** What became of an append. */
export type AppendOutcome =
  | { readonly ok: true; readonly baseOffset: number }
  | { readonly ok: false; readonly error: CodedError };

/** Hears outcomes and the two events of the stream as a whole. */
export interface ProduceStreamListener {
  onOutcome(correlation: number, outcome: AppendOutcome): void;
  onDrain(): void;
  /** The stream is over; appends without an outcome will get none. */
  onEnd(error: CodedError): void;
}

/**
 * Messages are closed at this size: smaller ones cost too much each, larger ones delay others. A
 * full batch travels alone: the broker keeps it where it lies, and copies what shares a message.
 */
const MESSAGE_BYTES = 192 * 1024;
const APPENDS_PER_MESSAGE = 1_024;

/** A produce stream to one broker: gathers the appends of a turn into few messages. */
export class ProduceStream {
  readonly #stream: OutgoingStream<Input<ProduceStreamRequest>>;
  #gathered: Input<BatchAppend>[] = [];
  #gatheredBytes = 0;
  #isCongested = false;
  readonly #listener: ProduceStreamListener;

  constructor(connection: Connection, listener: ProduceStreamListener) {
    this.#listener = listener;
    this.#stream = connection.open("ProduceService", "produceStream", {
      onMessage: (message) => {
        for (const result of message.results) {
          listener.onOutcome(result.correlation, outcomeOf(result));
        }
      },
      onEnd: (error) => listener.onEnd(error),
    });
  }

  /** Whether the connection takes no more for now; `onDrain` follows. */
  get isCongested(): boolean {
    return this.#isCongested;
  }

  /** Adds an append to the next message. */
  push(append: Input<BatchAppend>, sizeBytes: number): void {
    this.#gathered.push(append);
    this.#gatheredBytes += sizeBytes;
    const isFull =
      this.#gatheredBytes >= MESSAGE_BYTES || this.#gathered.length >= APPENDS_PER_MESSAGE;
    if (isFull) this.flush();
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const appends = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#stream.write({ appends }) || this.#isCongested) return;
    this.#isCongested = true;
    this.#stream.onDrain(() => {
      this.#isCongested = false;
      this.#listener.onDrain();
    });
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

function outcomeOf(result: AppendResult): AppendOutcome {
  if (result.error !== null) return { ok: false, error: fromWireError(result.error) };
  if (Number.isSafeInteger(result.baseOffset) && result.baseOffset >= 0) {
    return { ok: true, baseOffset: result.baseOffset };
  }
  const error = new CodedError("INTERNAL", `the broker answered with offset ${result.baseOffset}`);
  return { ok: false, error };
}
