/** A run that broke a rule, with what is needed to see it again. */
export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure";
  readonly seed: number;
  readonly lastLines: readonly string[];

  constructor(seed: number, lastLines: readonly string[], cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed}: ${reason}`, { cause });
    this.seed = seed;
    this.lastLines = lastLines;
  }
}
