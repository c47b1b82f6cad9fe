// Offsets are bigint where users see them and safe integers inside; this is the only border.

/** The public form of an offset. */
export function toPublicOffset(offset: number): bigint {
  return BigInt(offset);
}

/** The inner form of an offset that a user gave; RangeError for what is no offset. */
export function fromPublicOffset(offset: bigint | number, what = "offset"): number {
  const value = Number(offset);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${what} ${offset} is not a whole number from 0 to 2^53 - 1`);
}
