import { MESSAGE_HEADER_BYTES } from "./message-assembler.ts";

/**
 * Parts up to this size are copied together: one larger write costs less than several small ones.
 */
const COPIED_BYTES_MAX = 1024;
const SLAB_BYTES = 64 * 1024;

/**
 * Gathers messages for one vectored write. Headers and small parts share slabs, large parts are
 * passed on as they are. A slab is only ever appended to: bytes that were taken stay as they are
 * until the write is done.
 */
export class MessageBatch {
  #chunks: Uint8Array[] = [];
  #slab = new Uint8Array(0);
  #runStart = 0;
  #runEnd = 0;
  #sizeBytes = 0;

  /** Bytes gathered since the last `take`. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Adds one message; `payloadBytes` is the sum of its parts. */
  add(kind: number, parts: readonly Uint8Array[], payloadBytes: number): void {
    this.#reserve(MESSAGE_HEADER_BYTES);
    const length = payloadBytes + 1;
    this.#slab[this.#runEnd++] = length >>> 24;
    this.#slab[this.#runEnd++] = (length >>> 16) & 0xff;
    this.#slab[this.#runEnd++] = (length >>> 8) & 0xff;
    this.#slab[this.#runEnd++] = length & 0xff;
    this.#slab[this.#runEnd++] = kind;
    for (const part of parts) this.#addPart(part);
    this.#sizeBytes += MESSAGE_HEADER_BYTES + payloadBytes;
  }

  /** The gathered bytes, in order. */
  take(): Uint8Array[] {
    this.#closeRun();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#sizeBytes = 0;
    return chunks;
  }

  #addPart(part: Uint8Array): void {
    if (part.length > COPIED_BYTES_MAX) {
      this.#closeRun();
      this.#chunks.push(part);
      return;
    }
    this.#reserve(part.length);
    this.#slab.set(part, this.#runEnd);
    this.#runEnd += part.length;
  }

  #reserve(count: number): void {
    if (this.#runEnd + count <= this.#slab.length) return;
    this.#closeRun();
    this.#slab = new Uint8Array(SLAB_BYTES);
    this.#runStart = 0;
    this.#runEnd = 0;
  }

  #closeRun(): void {
    if (this.#runEnd > this.#runStart) {
      this.#chunks.push(this.#slab.subarray(this.#runStart, this.#runEnd));
    }
    this.#runStart = this.#runEnd;
  }
}
