import type { Random } from "@stratalog/base";
import { joined, oneOf } from "./mutation.ts";

const DEPTH_MAX = 12;
const NUMBERS = [0n, 1n, 127n, 128n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** Bytes in protobuf's grammar, now and then broken: fields of any number, type, size, nesting. */
export function protobufNoise(random: Random, depth = 0): Uint8Array {
  const fields = Array.from({ length: random.below(6) }, () => field(random, depth));
  return joined(fields);
}

function field(random: Random, depth: number): Uint8Array {
  const number = random.below(20) === 0 ? oneOf([0, 99, 2 ** 28], random) : 1 + random.below(12);
  const type = random.below(16) === 0 ? random.below(8) : oneOf([0, 1, 2, 2, 2, 5], random);
  const tag = varint(BigInt(number) * 8n + BigInt(type));
  switch (type) {
    case 0:
      return joined([tag, varint(oneOf(NUMBERS, random))]);
    case 1:
      return joined([tag, random.bytes(8)]);
    case 2: {
      const body =
        depth < DEPTH_MAX && random.below(2) === 0
          ? protobufNoise(random, depth + 1)
          : random.bytes(random.below(30));
      const isLie = random.below(16) === 0;
      const length = isLie ? oneOf(NUMBERS, random) : BigInt(body.length);
      return joined([tag, varint(length), body]);
    }
    case 3:
      // Groups are skipped by walking them.
      return joined([tag, tag, protobufNoise(random, depth + 1), varint(BigInt(number) * 8n + 4n)]);
    default:
      return joined([tag, random.bytes(4)]);
  }
}

/** A varint; now and then longer than it may be. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
