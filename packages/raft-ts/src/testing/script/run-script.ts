import { ConfChangeEnvironment } from "../conf-change-environment.ts";
import { InteractionEnvironment } from "../interaction-environment.ts";
import { QuorumEnvironment } from "../quorum-environment.ts";
import { diffLines, withoutLogLines } from "./compare-output.ts";
import { needsRulers, parseScript, type ScriptCase } from "./parse-script.ts";

/** Carries out the commands of one script, one after the other. */
export interface ScriptEnvironment {
  readonly commands: readonly string[];
  /** The command's output. */
  run(test: ScriptCase): string;
}

/** A command whose output is not the expected one. */
export interface ScriptMismatch {
  readonly line: number;
  readonly command: string;
  readonly diff: string;
}

/** What became of a script. */
export interface ScriptResult {
  readonly caseCount: number;
  readonly mismatches: readonly ScriptMismatch[];
}

/** Runs a script from a fresh environment, and compares every output apart from log lines. */
export function runScript(text: string): ScriptResult {
  const cases = parseScript(text);
  const environment = createEnvironment(cases);
  const mismatches: ScriptMismatch[] = [];
  for (const test of cases) {
    const diff = diffLines(withoutLogLines(test.expected), withoutLogLines(environment.run(test)));
    if (diff !== undefined) mismatches.push({ line: test.line, command: test.command, diff });
  }
  return { caseCount: cases.length, mismatches };
}

/** The same script with the outputs that its commands have now. To be read before it is kept. */
export function rewriteScript(text: string): string {
  const cases = parseScript(text);
  const environment = createEnvironment(cases);
  const lines = text.split("\n");
  // From the end, so that the positions of earlier outputs stay right.
  const outputs = cases.map((test) => ({ test, output: withoutLogLines(environment.run(test)) }));
  for (const { test, output } of outputs.reverse()) {
    const { start, end } = test.outputLines;
    const body = output.replace(/\n$/, "").split("\n");
    const block = needsRulers(output) ? ["----", ...body, "----", "----"] : body;
    lines.splice(start, end - start, ...block);
  }
  return lines.join("\n");
}

/** Which of the three little worlds a script lives in is told by its first command. */
function createEnvironment(cases: readonly ScriptCase[]): ScriptEnvironment {
  const command = cases[0]?.command ?? "";
  const pure = [new QuorumEnvironment(), new ConfChangeEnvironment()];
  return (
    pure.find((environment) => environment.commands.includes(command)) ??
    new InteractionEnvironment()
  );
}
