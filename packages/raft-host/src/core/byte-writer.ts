const INITIAL_BYTES = 256;
const VARINT_CONTINUES = 0x80;
const VARINT_BITS = 0x7f;
const VARINT_RANGE = 0x80;

/**
 * Appends numbers and bytes to one growing buffer. Varints are unsigned LEB128 of whole numbers
 * below 2^53.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.#bytes = new Uint8Array(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  uint8(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  varint(value: number): this {
    this.#reserve(8);
    let rest = value;
    // Division instead of shifts: shifts would cut the number to 32 bits.
    while (rest >= VARINT_RANGE) {
      this.#bytes[this.#length++] = (rest & VARINT_BITS) | VARINT_CONTINUES;
      rest = Math.floor(rest / VARINT_RANGE);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.byteLength);
    this.#bytes.set(value, this.#length);
    this.#length += value.byteLength;
    return this;
  }

  /** The length as a varint, then the bytes. */
  block(value: Uint8Array): this {
    return this.varint(value.byteLength).bytes(value);
  }

  /** What was written: a view, so the writer is done with. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
