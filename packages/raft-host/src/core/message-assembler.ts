/**
 * Messages on a peer connection, after its handshake, one after the other:
 *
 * | bytes | field                                                  |
 * | ----- | ------------------------------------------------------ |
 * | 4     | length of kind and payload, big-endian                 |
 * | 1     | kind: 0 for the link's own ping, else a PEER_MESSAGE   |
 * | n     | payload                                                |
 */
import { MalformedMessageError } from "./malformed-message-error.ts";

/** Bytes before a message's payload. */
export const MESSAGE_HEADER_BYTES = 5;
/** Kind of the link's own "are you there". */
export const PING_KIND = 0;

const LENGTH_BYTES = 4;

/** Receives one whole message. The payload is never touched again by the assembler. */
export type MessageSink = (kind: number, payload: Uint8Array) => void;

/**
 * Cuts a stream of chunks into messages. A message inside one chunk is handed on as a view of it;
 * one that spans chunks is put together once it is whole, so a claimed length alone never allocates
 * anything.
 *
 * Invariant: the gathered bytes are less than one message of the greatest length.
 */
export class MessageAssembler {
  readonly #bytesMax: number;
  readonly #sink: MessageSink;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;

  constructor(bytesMax: number, sink: MessageSink) {
    this.#bytesMax = bytesMax;
    this.#sink = sink;
  }

  /** Takes the next bytes of the stream. Throws MalformedMessageError on a length out of bounds. */
  push(chunk: Uint8Array): void {
    const position = this.#gatheredBytes === 0 ? 0 : this.#finishGathered(chunk);
    if (position < chunk.length) this.#cut(chunk, position);
  }

  /** Emits the whole messages of `chunk` and keeps its rest. */
  #cut(chunk: Uint8Array, start: number): void {
    let position = start;
    while (chunk.length - position >= LENGTH_BYTES) {
      const end = position + LENGTH_BYTES + this.#checkedLength(chunk, position);
      if (end > chunk.length) break;
      this.#emit(chunk, position, end);
      position = end;
    }
    if (position < chunk.length) this.#gather(chunk.subarray(position));
  }

  /** Adds what the begun message lacks; answers how much of the chunk that took. */
  #finishGathered(chunk: Uint8Array): number {
    let position = 0;
    if (this.#gatheredBytes < LENGTH_BYTES) {
      position = Math.min(LENGTH_BYTES - this.#gatheredBytes, chunk.length);
      this.#gather(chunk.subarray(0, position));
      if (this.#gatheredBytes < LENGTH_BYTES) return position;
      this.#gathered = [join(this.#gathered, this.#gatheredBytes)];
    }
    // The first gathered piece holds the length: either it was whole there from the start or was
    // just joined.
    const first = this.#gathered[0] ?? chunk;
    const total = LENGTH_BYTES + this.#checkedLength(first, 0);
    const taken = Math.min(total - this.#gatheredBytes, chunk.length - position);
    if (taken > 0) this.#gather(chunk.subarray(position, position + taken));
    if (this.#gatheredBytes === total) {
      const message = join(this.#gathered, total);
      this.#gathered = [];
      this.#gatheredBytes = 0;
      this.#emit(message, 0, total);
    }
    return position + taken;
  }

  #gather(piece: Uint8Array): void {
    this.#gathered.push(piece);
    this.#gatheredBytes += piece.length;
  }

  #checkedLength(bytes: Uint8Array, position: number): number {
    const high = (bytes[position] ?? 0) * 0x1_00_00_00 + (bytes[position + 1] ?? 0) * 0x1_00_00;
    const length = high + (bytes[position + 2] ?? 0) * 0x1_00 + (bytes[position + 3] ?? 0);
    if (length < 1 || length > this.#bytesMax) {
      throw new MalformedMessageError(`peer message of ${length} bytes`);
    }
    return length;
  }

  #emit(bytes: Uint8Array, start: number, end: number): void {
    this.#sink(bytes[start + LENGTH_BYTES] ?? 0, bytes.subarray(start + MESSAGE_HEADER_BYTES, end));
  }
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let position = 0;
  for (const piece of pieces) {
    joined.set(piece, position);
    position += piece.length;
  }
  return joined;
}
