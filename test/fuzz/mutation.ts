import type { Random } from "@stratalog/base";

const EDGES = [0, 1, 0x7f, 0x80, 0xfe, 0xff] as const;
const WORDS = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffe, 0x10000, 61, 12] as const;
const GROWTH_BYTES_MAX = 64;

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setEdge,
  setWord,
  cutEnd,
  cutOut,
  insertNoise,
  doubleSlice,
  swapSlices,
];

/** A copy of a sample with one to four changes. */
export function mutated(sample: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = sample.slice();
  const count = 1 + random.below(4);
  for (let index = 0; index < count; index++) {
    const mutation = MUTATIONS[random.below(MUTATIONS.length)] ?? flipBit;
    bytes = mutation(bytes, random);
  }
  return bytes;
}

/** One of a list. The list must not be empty. */
export function oneOf<T>(list: readonly T[], random: Random): T {
  const found = list[random.below(list.length)];
  if (found === undefined) throw new RangeError("a draw from nothing");
  return found;
}

/** The first half of one sample and the second half of another. */
export function spliced(a: Uint8Array, b: Uint8Array, random: Random): Uint8Array {
  const head = a.subarray(0, random.below(a.length + 1));
  const tail = b.subarray(random.below(b.length + 1));
  return joined([head, tail]);
}

/** All pieces in one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let position = 0;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.length;
  }
  return bytes;
}

/** Writes a 32-bit number, big-endian, as far as it fits. */
export function putUint32(bytes: Uint8Array, position: number, value: number): void {
  for (let index = 0; index < 4 && position + index < bytes.length; index++) {
    bytes[position + index] = (value >>> (24 - 8 * index)) & 0xff;
  }
}

function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return bytes;
  const position = random.below(bytes.length);
  bytes[position] = (bytes[position] ?? 0) ^ (1 << random.below(8));
  return bytes;
}

function setEdge(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = oneOf(EDGES, random);
  return bytes;
}

function setWord(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length > 0) putUint32(bytes, random.below(bytes.length), oneOf(WORDS, random));
  return bytes;
}

function cutEnd(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.subarray(0, random.below(bytes.length + 1)).slice();
}

function cutOut(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random.below(bytes.length + 1);
  const end = start + random.below(Math.min(GROWTH_BYTES_MAX, bytes.length - start) + 1);
  return joined([bytes.subarray(0, start), bytes.subarray(end)]);
}

function insertNoise(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const noise = random.bytes(random.below(GROWTH_BYTES_MAX));
  return joined([bytes.subarray(0, at), noise, bytes.subarray(at)]);
}

function doubleSlice(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random.below(bytes.length + 1);
  const slice = bytes.subarray(start, start + random.below(GROWTH_BYTES_MAX));
  return joined([bytes.subarray(0, start), slice, bytes.subarray(start)]);
}

function swapSlices(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  return joined([bytes.subarray(at), bytes.subarray(0, at)]);
}
