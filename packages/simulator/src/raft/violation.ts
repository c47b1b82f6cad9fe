/** A simulated history broke a rule: a bug in the code under test, or in the simulator. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Checks one rule. */
export function must(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new Violation(rule);
}
