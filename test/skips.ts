import { appendFileSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What a test may need that a fresh clone on a bare machine does not have. */
export type Need = "vectors" | "data" | "git" | "docker" | "openssl" | "root" | "slow" | "python";

/** A requirement of some tests, and how to say that they did not run. */
export interface Requirement {
  readonly need: Need;
  /** Whether it is there. */
  readonly isMet: boolean;
  /** What is skipped without it. */
  readonly name: string;
  /** Why, for the table at the end of `npm test`. */
  readonly reason: string;
}

/**
 * Whether tests with this requirement can run: `describe.skipIf(!canRun({...}))`. A requirement
 * that is not met is noted for the table of skips; it is an error when `STRATALOG_REQUIRE` names
 * it.
 */
export function canRun(requirement: Requirement): boolean {
  const { need, isMet, name, reason } = requirement;
  if (isMet) return true;
  if (isRequired(need)) {
    throw new Error(`${name} cannot be skipped (STRATALOG_REQUIRE has ${need}): ${reason}`);
  }
  const path = process.env["STRATALOG_SKIPS"];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify({ name, reason })}\n`);
  return false;
}

/** Whether `STRATALOG_REQUIRE` names a need: tests that take minutes run only then ("slow"). */
export function isRequired(need: Need): boolean {
  const required = (process.env["STRATALOG_REQUIRE"] ?? "").split(",");
  return required.some((item) => item.trim() === need);
}

const repository = fileURLToPath(new URL("..", import.meta.url));

/** Root of the repository, with a slash at its end. */
export const repositoryRoot: string = repository;

/** A folder of `../shared`, beside the repository, or undefined where it is absent. */
export function sharedFolder(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../shared/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}
