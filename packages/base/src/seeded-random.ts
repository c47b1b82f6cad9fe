import { assert } from "./assert.ts";
import type { Random } from "./ports/random.ts";

const UINT32_RANGE = 0x1_0000_0000;

/** splitmix32: spreads one seed over the four words of the generator's state. */
function splitmix(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

/** FNV-1a over the label's UTF-16 units: enough to keep the forks of one generator apart. */
function hashLabel(label: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < label.length; i++) {
    hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

function rotateLeft(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

/** xoshiro128** (Blackman and Vigna 2018): 128 bits of state, deterministic from its seed. */
export class SeededRandom implements Random {
  readonly #seed: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    const next = splitmix(this.#seed);
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next();
  }

  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  below(bound: number): number {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= UINT32_RANGE, `random bound ${bound}`);
    // Draws past the last whole multiple of the bound are thrown away, or small numbers would be
    // likelier.
    const limit = UINT32_RANGE - (UINT32_RANGE % bound);
    let drawn = this.uint32();
    while (drawn >= limit) drawn = this.uint32();
    return drawn % bound;
  }

  fraction(): number {
    return this.uint32() / UINT32_RANGE;
  }

  bytes(length: number): Uint8Array {
    const result = new Uint8Array(length);
    for (let i = 0; i < length; i++) result[i] = this.uint32() & 0xff;
    return result;
  }

  fork(label: string): Random {
    return new SeededRandom(this.#seed ^ hashLabel(label));
  }
}
