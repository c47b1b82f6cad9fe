/**
 * Messages on a peer connection, after its handshake, one after the other:
 *
 * | bytes | field                                                  |
 * | ----- | ------------------------------------------------------ |
 * | 4     | length of kind and payload, big-endian                 |
 * | 1     | kind: 0 for the link's own ping, else a PEER_MESSAGE   |
 * | n     | payload                                                |
 */
import { assert } from "@stratalog/base";
import { MalformedMessageError } from "./malformed-message-error.ts";

/** Bytes before a message's payload. */
export const MESSAGE_HEADER_BYTES = 5;
/** Kind of the link's own "are you there". */
export const PING_KIND = 0;

const LENGTH_BYTES = 4;
/** What small messages and the beginnings of large ones are read into, again and again. */
const SCRATCH_BYTES = 64 * 1024;
/** Memory for a message before more of it has come than that; above any usual batch. */
const CLAIM_BYTES_MAX = 1024 * 1024 + SCRATCH_BYTES;

/** Receives one whole message. The payload is never touched again by the assembler. */
export type MessageSink = (kind: number, payload: Uint8Array) => void;

/** Memory that need not be zeros. */
export type Allocate = (sizeBytes: number) => Uint8Array;

/**
 * Cuts a stream of bytes into messages. The caller reads into `target` and says how much it read:
 * a large message is read straight into memory of its own, of exactly its size, so that its bytes
 * are neither joined nor kept alive by their neighbours.
 *
 * Invariant: the memory is at most the scratch, CLAIM_BYTES_MAX, and twice what came of the message
 * under way: a claimed length alone allocates no more.
 */
export class MessageAssembler {
  readonly #bytesMax: number;
  readonly #sink: MessageSink;
  readonly #allocate: Allocate;
  /** Made when the first bytes are asked for: a connection that is a stranger's has none. */
  #scratch: Uint8Array | undefined;
  #scratchFilled = 0;
  /** The message under way that the scratch is too small for, from its length on. */
  #message: Uint8Array | undefined;
  #messageFilled = 0;
  #messageBytes = 0;

  constructor(
    bytesMax: number,
    sink: MessageSink,
    allocate: Allocate = (sizeBytes) => new Uint8Array(sizeBytes),
  ) {
    this.#bytesMax = bytesMax;
    this.#sink = sink;
    this.#allocate = allocate;
  }

  /** Where the next bytes of the stream belong; never empty, and valid until the next call. */
  get target(): Uint8Array {
    if (this.#message !== undefined) return this.#message.subarray(this.#messageFilled);
    this.#scratch ??= new Uint8Array(SCRATCH_BYTES);
    return this.#scratch.subarray(this.#scratchFilled);
  }

  /**
   * `count` bytes were read into `target`: emits what is whole. Throws MalformedMessageError on a
   * length out of bounds, and what the sink throws; the stream is over then.
   */
  filled(count: number): void {
    if (this.#message === undefined) {
      this.#fillScratch(count);
      return;
    }
    this.#messageFilled += count;
    if (this.#messageFilled < this.#message.length) return;
    if (this.#messageFilled < this.#messageBytes) {
      this.#message = this.#grown(this.#message, this.#messageFilled * 2);
      return;
    }
    const message = this.#message;
    this.#message = undefined;
    this.#emit(message);
  }

  /** Takes bytes that were read elsewhere. Throws as `filled` does. */
  push(chunk: Uint8Array): void {
    let position = 0;
    while (position < chunk.length) {
      const { target } = this;
      const count = Math.min(target.length, chunk.length - position);
      target.set(chunk.subarray(position, position + count));
      this.filled(count);
      position += count;
    }
  }

  /** Emits the whole messages of the scratch; a last one that does not fit gets its own memory. */
  #fillScratch(count: number): void {
    const scratch = this.#scratch;
    assert(scratch !== undefined, "bytes were read into no target");
    const end = this.#scratchFilled + count;
    // What follows may throw.
    this.#scratchFilled = 0;
    let position = 0;
    while (end - position >= LENGTH_BYTES) {
      const total = LENGTH_BYTES + this.#checkedLength(scratch, position);
      if (total > end - position) {
        if (total <= SCRATCH_BYTES) break;
        const begun = scratch.subarray(position, end);
        this.#messageBytes = total;
        this.#messageFilled = begun.length;
        this.#message = this.#grown(begun, CLAIM_BYTES_MAX);
        position = end;
        break;
      }
      this.#emit(this.#grown(scratch.subarray(position, position + total), total, total));
      position += total;
    }
    scratch.copyWithin(0, position, end);
    this.#scratchFilled = end - position;
  }

  /** Memory for the message under way, with what came of it. */
  #grown(begun: Uint8Array, wantedBytes: number, totalBytes = this.#messageBytes): Uint8Array {
    const memory = this.#allocate(Math.min(totalBytes, wantedBytes));
    memory.set(begun);
    return memory;
  }

  #checkedLength(bytes: Uint8Array, position: number): number {
    const high = (bytes[position] ?? 0) * 0x1_00_00_00 + (bytes[position + 1] ?? 0) * 0x1_00_00;
    const length = high + (bytes[position + 2] ?? 0) * 0x1_00 + (bytes[position + 3] ?? 0);
    if (length < 1 || length > this.#bytesMax) {
      throw new MalformedMessageError(`peer message of ${length} bytes`);
    }
    return length;
  }

  #emit(message: Uint8Array): void {
    this.#sink(message[LENGTH_BYTES] ?? 0, message.subarray(MESSAGE_HEADER_BYTES));
  }
}
