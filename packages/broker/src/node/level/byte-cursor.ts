/** Bytes did not hold what their format says. */
export class FormatError extends Error {}

/** Reads LevelDB's integers, which are little-endian, from bytes. Throws FormatError at their end. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.position = position;
  }

  get isAtEnd(): boolean {
    return this.position >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.position++];
    if (value === undefined) throw new FormatError("ends too early");
    return value;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 56; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new FormatError("a number is too long");
  }

  take(sizeBytes: number): Uint8Array {
    const end = this.position + sizeBytes;
    if (end > this.#bytes.length) throw new FormatError("ends too early");
    const taken = this.#bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  /** Bytes with their length in front. */
  text(): Uint8Array {
    return this.take(this.varint());
  }
}

/** A little-endian number of four bytes. */
export function uint32At(bytes: Uint8Array, position: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(position, true);
}
