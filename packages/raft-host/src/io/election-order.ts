/** Where a replica stands when its leader falls silent. */
export interface ElectionPlace {
  readonly self: number;
  /** Voters in their configured order. */
  readonly replicas: readonly number[];
  /** A whole number from 0 to `bound` - 1. */
  readonly random: (bound: number) => number;
}

/** Of an election timeout: how long every replica waits beyond it, and then each one in turn. */
const HEAD_START_SHARE = 1 / 15;
const PLACE_SHARE = 1 / 6;

/**
 * What a replica adds to the election timeout, as the core draws it: `bound` is the timeout in
 * ticks, and the answer is below it. The first replica in the configured order comes first, and the
 * others follow one after the other, so that a silent leader has a successor soon after the timeout
 * and no two candidates split the votes. If the first cannot win, the next one comes anyway: its
 * timeout is only longer.
 *
 * Everyone waits a little beyond the timeout: whoever asks while another still believes in the
 * leader is not answered, and their clocks tick at different moments.
 */
export function electionOrder(place: ElectionPlace): (bound: number) => number {
  const { self, replicas, random } = place;
  const position = replicas.indexOf(self);
  return (bound) => {
    const headStart = Math.floor(bound * HEAD_START_SHARE);
    const width = Math.max(1, Math.floor(bound * PLACE_SHARE));
    const first = headStart + position * width;
    // Not a voter as configured, or one of many: any time will do.
    if (position === -1 || first + width > bound) return random(bound);
    return first + random(width);
  };
}
