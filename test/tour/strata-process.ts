import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "../skips.ts";

/** What a finished command left. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Environment of a child that must not know how this test was started. */
function plainEnvironment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("STRATALOG_") && !name.startsWith("VITEST"),
  );
  return { ...Object.fromEntries(own), ...extra };
}

/** A program under test: its output so far, its end, and a way to end it. */
export class RunningProgram {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = "";
  stderr = "";

  constructor(
    command: string,
    args: readonly string[],
    options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ) {
    this.child = spawn(command, args, {
      cwd: options.cwd ?? repositoryRoot,
      env: plainEnvironment(options.env ?? {}),
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      this.stdout += chunk;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.stderr += chunk;
    });
    this.finished = new Promise((resolve) => {
      this.child.once("close", (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /**
   * Resolves when standard output or error has the text; rejects when the program ends without it.
   */
  async says(text: string): Promise<void> {
    let isOver = false;
    void this.finished.then(() => {
      isOver = true;
    });
    while (!this.stdout.includes(text) && !this.stderr.includes(text)) {
      if (isOver) throw new Error(`ended without "${text}":\n${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 25);
      });
    }
  }
}

/** Runs `strata` to its end. */
export function strata(
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Finished> {
  const program = startStrata(args, options.env);
  program.child.stdin?.end(options.input ?? "");
  return program.finished;
}

/** Starts `strata` and leaves it running. */
export function startStrata(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  const bin = join(repositoryRoot, "packages", "cli", "bin", "strata.js");
  return new RunningProgram(process.execPath, [bin, ...args], { env });
}
