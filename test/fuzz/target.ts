import type { Random } from "@stratalog/base";

/** Something that takes bytes from strangers. */
export interface FuzzTarget {
  readonly name: string;
  /** Cases in one round: a second or so of work. */
  readonly casesPerRound: number;
  /** One case, drawn from `random` alone. Throws when a rule is broken. */
  run(random: Random): void | Promise<void>;
  /** After each round: what must hold then. Throws when it does not. */
  settle?(): Promise<void>;
  close?(): Promise<void>;
}

/** A rule that a case broke. */
export class BrokenRule extends Error {
  override readonly name = "BrokenRule";
}

/** Throws a {@link BrokenRule} unless it holds. */
export function must(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new BrokenRule(rule);
}

/** Longest that a pure decoder may think about one input, in processor time. */
export const CASE_MS_MAX = 2_000;
