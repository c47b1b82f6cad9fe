import type { ScriptCase } from "./parse-script.ts";

/** What a command says instead of an output when its words make no sense to it. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}

/** The integer that `text` is. */
export function parseInteger(text: string | undefined): number {
  if (text === undefined || !/^\d+$/.test(text)) {
    throw new ScriptError(`expected a number instead of ${text ?? "nothing"}`);
  }
  return Number(text);
}

/** `true` or `false`. */
export function parseBoolean(text: string | undefined): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new ScriptError(`expected true or false instead of ${text ?? "nothing"}`);
}

/** The bare arguments as ids of replicas. */
export function bareIds(test: ScriptCase): readonly number[] {
  return test.args.filter((arg) => arg.values.length === 0).map((arg) => parseInteger(arg.key));
}

/** The first argument, an id. */
export function firstId(test: ScriptCase): number {
  return parseInteger(test.args[0]?.key);
}

/** The first value of `key=value`. */
export function valueOf(test: ScriptCase, key: string): string | undefined {
  return test.args.find((arg) => arg.key === key)?.values[0];
}
