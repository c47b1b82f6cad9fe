const VARINT_CONTINUES = 0x80;
const VARINT_BITS = 0x7f;
const VARINT_RANGE = 0x80;
/** A number below 2^53 takes at most eight groups of seven bits. */
const VARINT_LENGTH_MAX = 8;
const EMPTY = new Uint8Array(0);

/**
 * Reads what a ByteWriter wrote. A read past the end or of a malformed number does not throw: it
 * answers 0 or nothing and leaves `ok` false for good, so that a decoder checks once at the end.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #position: number;
  #ok = true;

  constructor(bytes: Uint8Array, position: number = 0) {
    this.#bytes = bytes;
    this.#position = position;
  }

  get ok(): boolean {
    return this.#ok;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  uint8(): number {
    if (this.remaining < 1) return this.#fail();
    return this.#bytes[this.#position++] ?? 0;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < VARINT_LENGTH_MAX; i++) {
      const byte = this.uint8();
      value += (byte & VARINT_BITS) * scale;
      if (byte < VARINT_CONTINUES) return Number.isSafeInteger(value) ? value : this.#fail();
      scale *= VARINT_RANGE;
    }
    return this.#fail();
  }

  /** A view of the next `count` bytes. */
  bytes(count: number): Uint8Array {
    if (count > this.remaining) {
      this.#fail();
      return EMPTY;
    }
    const view = this.#bytes.subarray(this.#position, this.#position + count);
    this.#position += count;
    return view;
  }

  /** The counterpart of the writer's `block`. */
  block(): Uint8Array {
    return this.bytes(this.varint());
  }

  /** Moves to where another decoder stopped. */
  skipTo(position: number): void {
    if (position < this.#position || position > this.#bytes.length) this.#fail();
    else this.#position = position;
  }

  #fail(): number {
    this.#ok = false;
    return 0;
  }
}
