/** A source of random numbers. Seeded in simulation and tests, the machine's in production. */
export interface Random {
  /** A whole number in [0, 2^32). */
  uint32(): number;
  /** A whole number in [0, bound), unbiased; bound in [1, 2^32]. */
  below(bound: number): number;
  /** A number in [0, 1). */
  fraction(): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
  /**
   * An independent generator for a part, so that one more draw there does not reshuffle the rest.
   */
  fork(label: string): Random;
}

/** A version 4 UUID in text form. */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${parts.join("-")}-${hex.slice(20)}`;
}
