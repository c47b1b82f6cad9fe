/** A term's first record offset. */
export interface EpochStart {
  readonly term: number;
  readonly startOffset: number;
}

/** The client's view of the leader epoch against this replica's. */
export type EpochCheck = "same" | "client-is-older" | "client-is-newer";

export function checkLeaderEpoch(client: number | undefined, current: number): EpochCheck {
  if (client === undefined || client < 0 || client === current) return "same";
  return client < current ? "client-is-older" : "client-is-newer";
}

/**
 * Where an epoch's records end: the largest epoch at or below the one asked for that owns
 * records.
 */
export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

/**
 * Answers "up to where does my log agree with yours" (Kafka's OffsetForLeaderEpoch). Terms that own
 * no records are skipped.
 * Below the first known epoch the answer is where that one starts; above the last there is none.
 */
export function endOffsetForEpoch(
  epoch: number,
  runs: readonly EpochStart[],
  logEndOffset: number,
): EpochEnd | undefined {
  const owners = runs.filter(
    (run, index) => run.startOffset < (runs[index + 1]?.startOffset ?? logEndOffset),
  );
  const newestTerm = runs.at(-1)?.term;
  if (newestTerm === undefined || epoch > newestTerm) return undefined;
  const first = owners[0];
  if (first === undefined) return { epoch, endOffset: logEndOffset };
  if (epoch < first.term) return { epoch, endOffset: first.startOffset };
  const next = owners.findIndex((run) => run.term > epoch);
  if (next === -1) return { epoch: owners.at(-1)?.term ?? epoch, endOffset: logEndOffset };
  return {
    epoch: owners[next - 1]?.term ?? epoch,
    endOffset: owners[next]?.startOffset ?? logEndOffset,
  };
}
