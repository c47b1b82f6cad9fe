// Varints as protocol buffers have them: seven bits a byte, low bits first, zigzag so that small
// negative numbers stay short. A 32-bit varint takes at most 5 bytes, a 64-bit one at most 10.

const INT32_MAX = 0x7fff_ffff;
const INT32_MIN = -0x8000_0000;

/** Bytes that a 32-bit integer takes as a varint. */
export function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes a 32-bit integer; gives the position after it. The caller has made room. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let next = position;
  while (rest >= 0x80) {
    bytes[next++] = rest | 0x80;
    rest >>>= 7;
  }
  bytes[next++] = rest;
  return next;
}

/** Largest magnitude that {@link writeVarlong} takes: its zigzag form is still a safe integer. */
export const VARLONG_MAX = 2 ** 52 - 1;

function zigzagOf(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** Bytes that an integer of at most {@link VARLONG_MAX} either way takes as a varint. */
export function varlongBytes(value: number): number {
  if (value <= INT32_MAX && value >= INT32_MIN) return varintBytes(value);
  let count = 1;
  for (let rest = zigzagOf(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) count++;
  return count;
}

/** Writes an integer of at most {@link VARLONG_MAX} either way; gives the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  if (value <= INT32_MAX && value >= INT32_MIN) return writeVarint(bytes, position, value);
  let rest = zigzagOf(value);
  let next = position;
  while (rest >= 0x80) {
    bytes[next++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[next++] = rest;
  return next;
}
