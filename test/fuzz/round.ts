import { SeededRandom } from "@stratalog/base";
import { CASE_MS_MAX, type FuzzTarget } from "./target.ts";

/** What became of one round: a target, a seed, and as many cases as the target makes. */
export interface RoundResult {
  readonly target: string;
  readonly seed: number;
  readonly cases: number;
  readonly seconds: number;
  /** Undefined: all went well. */
  readonly failure: { readonly case: number; readonly reason: string } | undefined;
}

/** Runs one round; stops at the first case that breaks a rule. */
export async function runRound(
  target: FuzzTarget,
  seed: number,
  cases: number = target.casesPerRound,
): Promise<RoundResult> {
  const startMs = performance.now();
  const root = new SeededRandom(seed);
  const result = (count: number, reason?: string): RoundResult => ({
    target: target.name,
    seed,
    cases: count,
    seconds: Math.round(performance.now() - startMs) / 1_000,
    failure: reason === undefined ? undefined : { case: count, reason },
  });
  for (let index = 0; index < cases; index++) {
    const before = process.cpuUsage();
    try {
      const running = target.run(root.fork(String(index)));
      if (running !== undefined) await running;
      // Processor time: a busy machine is no hang.
      else if (millisecondsOf(process.cpuUsage(before)) > CASE_MS_MAX) {
        return result(index, `a case took ${millisecondsOf(process.cpuUsage(before))} ms`);
      }
    } catch (error) {
      return result(index, reasonOf(error));
    }
  }
  try {
    await target.settle?.();
  } catch (error) {
    return result(cases, reasonOf(error));
  }
  return result(cases);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function millisecondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}
