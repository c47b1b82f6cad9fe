/** One planted bug: in `path`, the one place that reads `find` becomes `replace`. */
export interface Mutant {
  /** Names it for ever: planted ones say the bug, drawn ones say where and what. */
  readonly id: string;
  readonly path: string;
  readonly find: string;
  readonly replace: string;
  /** Where in the file, for mutants whose text may stand in several places. */
  readonly position?: number;
}

/** A set of bugs and the checks that must find them. */
export interface MutantSuite {
  readonly name: string;
  /** Bugs that people have made, each of which must be found. */
  readonly planted: readonly Mutant[];
  /** Files that drawn mutants change: [folder, pattern of paths inside that are left out]. */
  readonly drawnFrom: readonly string[];
  readonly leftOut: RegExp;
  /** See `MutantPolicy`; samples of other suites were drawn and argued without it. */
  readonly sparesPureSwaps?: true;
  /** Folders whose changes make earlier results void. */
  readonly dependsOn: readonly string[];
  /**
   * Commands that must all succeed on the unchanged code, and one of which must fail on a changed
   * one.
   */
  readonly checks: readonly (readonly string[])[];
}

/**
 * The changed text, or undefined when the mutant no longer applies: its place is gone or stands
 * twice.
 */
export function applyMutant(mutant: Mutant, text: string): string | undefined {
  const position = mutant.position ?? text.indexOf(mutant.find);
  if (position < 0 || !text.startsWith(mutant.find, position)) return undefined;
  const isUnique = text.indexOf(mutant.find, position + 1) < 0;
  if (mutant.position === undefined && !isUnique) return undefined;
  return text.slice(0, position) + mutant.replace + text.slice(position + mutant.find.length);
}
