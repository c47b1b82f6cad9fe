// Big-endian integers read and written by hand: a DataView per batch or record costs more than the
// shifts. Callers have checked that the bytes exist; a read past the end would give 0, never an
// exception.

const UINT32_RANGE = 0x1_0000_0000;

/** A signed 16-bit integer. */
export function readInt16(bytes: Uint8Array, position: number): number {
  return ((readUint8(bytes, position) << 24) >> 16) | readUint8(bytes, position + 1);
}

/** A signed 32-bit integer. */
export function readInt32(bytes: Uint8Array, position: number): number {
  return (
    (readUint8(bytes, position) << 24) |
    (readUint8(bytes, position + 1) << 16) |
    (readUint8(bytes, position + 2) << 8) |
    readUint8(bytes, position + 3)
  );
}

/** An unsigned 32-bit integer. */
export function readUint32(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position) >>> 0;
}

/** A 64-bit integer as a number; exact within the safe integers, rounded outside. */
export function readInt64(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position) * UINT32_RANGE + readUint32(bytes, position + 4);
}

/** One byte. */
export function readUint8(bytes: Uint8Array, position: number): number {
  return bytes[position] ?? 0;
}

/** Writes the low 16 bits of a whole number. */
export function writeInt16(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value >>> 8;
  bytes[position + 1] = value;
}

/** Writes the low 32 bits of a whole number. */
export function writeInt32(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value >>> 24;
  bytes[position + 1] = value >>> 16;
  bytes[position + 2] = value >>> 8;
  bytes[position + 3] = value;
}

/** Writes a safe integer as 64 bits. */
export function writeInt64(bytes: Uint8Array, position: number, value: number): void {
  const high = Math.floor(value / UINT32_RANGE);
  writeInt32(bytes, position, high);
  writeInt32(bytes, position + 4, value - high * UINT32_RANGE);
}
