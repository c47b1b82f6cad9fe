/**
 * Sequence numbers of idempotent producers count records of one partition from 0 and wrap after
 * this one.
 */
export const SEQUENCE_MAX = 0x7fff_ffff;

const SEQUENCE_COUNT = SEQUENCE_MAX + 1;

/** The sequence number `count` records after `sequence`. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCE_COUNT;
}
