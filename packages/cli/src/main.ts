import { CodedError } from "@stratalog/base";
import { CommanderError } from "commander";
import type { CommandContext } from "./commands/command-context.ts";
import { errorLine } from "./output/error-line.ts";
import { EXIT, exitCodeOf } from "./output/exit-codes.ts";
import { ProcessOutput } from "./output/output.ts";
import { createProgram } from "./program.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs one command line and resolves to its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const output = new ProcessOutput();
  const interrupt = new AbortController();
  const force = new AbortController();
  const onSignal = (): void => (interrupt.signal.aborted ? force : interrupt).abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on("error", onSignal);

  let exitCode: number = EXIT.ok;
  const context: CommandContext = {
    output,
    signal: interrupt.signal,
    force: force.signal,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  try {
    await createProgram(context).parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has printed its message; help and version come this way too, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (interrupt.signal.aborted) return EXIT.interrupted;
    output.note(errorLine(error));
    return exitCodeOf(CodedError.from(error).code);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
