import { ByteCursor, FormatError } from "./byte-cursor.ts";

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Decompresses a block in Snappy's format. Throws FormatError when it is not in that format. */
export function decompressSnappy(bytes: Uint8Array): Uint8Array {
  const cursor = new ByteCursor(bytes);
  const sizeBytes = cursor.varint();
  if (sizeBytes > OUTPUT_BYTES_MAX) throw new FormatError(`${sizeBytes} bytes of output`);
  const output = new Uint8Array(sizeBytes);
  let at = 0;
  while (!cursor.isAtEnd) {
    const tag = cursor.byte();
    const kind = tag & 3;
    const length = kind === 0 ? literalLength(tag, cursor) : copyLength(tag, kind);
    if (at + length > sizeBytes) throw new FormatError("more output than announced");
    if (kind === 0) {
      output.set(cursor.take(length), at);
      at += length;
      continue;
    }
    const distance = copyDistance(tag, kind, cursor);
    if (distance === 0 || distance > at) throw new FormatError(`a copy from ${distance} back`);
    // Byte by byte: a copy may overlap what it writes.
    for (let count = 0; count < length; count++, at++) output[at] = output[at - distance] ?? 0;
  }
  if (at !== sizeBytes) throw new FormatError("less output than announced");
  return output;
}

function literalLength(tag: number, cursor: ByteCursor): number {
  const short = tag >> 2;
  return short < 60 ? short + 1 : littleEndian(cursor, short - 59) + 1;
}

function copyLength(tag: number, kind: number): number {
  return kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
}

function copyDistance(tag: number, kind: number, cursor: ByteCursor): number {
  if (kind === 1) return (tag >> 5) * 256 + cursor.byte();
  return littleEndian(cursor, kind === 2 ? 2 : 4);
}

function littleEndian(cursor: ByteCursor, sizeBytes: number): number {
  let value = 0;
  for (let at = 0; at < sizeBytes; at++) value += cursor.byte() * 256 ** at;
  return value;
}
