import type { ErrorCode } from "@stratalog/base";
import type { Target } from "./target.ts";

/** How the broker met an attack. */
export type Outcome =
  /** An error with a code of ours. */
  | { readonly kind: "error"; readonly code: ErrorCode; readonly message: string }
  /** A gRPC status without a code of ours, by its number: the library's own answer. */
  | { readonly kind: "status"; readonly status: number }
  /** The stream was reset or the connection was closed. */
  | { readonly kind: "closed" }
  /** It was answered as if it were a good request. */
  | { readonly kind: "answered" }
  /** Nothing came within the time, and nothing had to: what was sent is no whole request. */
  | { readonly kind: "open" };

/** What an entry must come to: one of these codes, statuses or kinds. */
export type Expectation = readonly (
  | ErrorCode
  | number
  | Exclude<Outcome["kind"], "error" | "status">
)[];

/** One thing that somebody may send. */
export interface Entry {
  /** Section of the catalogue and number, for example "names 3". */
  readonly id: string;
  /** What is sent, in plain words. */
  readonly what: string;
  readonly attack: Attack;
  readonly expect: Expectation;
}

/**
 * Carries an attack out. What it keeps open is closed by `Target.release`, after the memory was
 * looked at.
 */
export type Attack = (target: Target) => Promise<Outcome>;

/** A row of a table of entries: what, attack, and what it must come to. */
export type Row = readonly [what: string, attack: Attack, ...expect: Expectation];

/** The entries of one section, numbered. */
export function section(name: string, rows: readonly Row[]): readonly Entry[] {
  return rows.map(([what, attack, ...expect], index) => ({
    id: `${name} ${index + 1}`,
    what,
    attack,
    expect,
  }));
}

/** Whether an outcome is one of those that are expected. */
export function isExpected(outcome: Outcome, expect: Expectation): boolean {
  if (outcome.kind === "error") return expect.includes(outcome.code);
  if (outcome.kind === "status") return expect.includes(outcome.status);
  return expect.includes(outcome.kind);
}
