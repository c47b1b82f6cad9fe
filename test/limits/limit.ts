import type { Attack } from "../catalogue/entry.ts";

/** Where a test holds a limit to its edge: a file of the repository, and the claim in it. */
export interface Proof {
  readonly file: string;
  readonly claim: string;
}

/** A limit that a setting moves; its default and what it bounds come from the schema. */
export interface ConfiguredLimit {
  readonly setting: string;
  /** What happens beyond it. */
  readonly beyond: string;
  readonly proof: Proof;
}

/** A limit that the protocol or the code fixes. */
export interface FixedLimit {
  readonly what: string;
  readonly bound: number;
  readonly unit?: "bytes" | "ms" | "characters";
  /** Code of the error beyond it. */
  readonly code: string;
  /** Asks for so much. */
  readonly ask: (count: number) => Attack;
}

/** The same where asking for as much as the bound would take minutes: a test of its own has it. */
export interface OtherLimit {
  readonly what: string;
  readonly bound: string;
  readonly beyond: string;
  readonly proof: Proof;
}
