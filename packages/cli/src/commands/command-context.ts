import type { Output } from "../output/output.ts";

/** What every command is handed. */
export interface CommandContext {
  readonly output: Output;
  /** Aborts at the first Ctrl-C: finish what is begun, then end. */
  readonly signal: AbortSignal;
  /** Aborts at the second Ctrl-C: end now. */
  readonly force: AbortSignal;
  /** Exit code of a command that did not fail; 0 unless a command says otherwise. */
  setExitCode(code: number): void;
}
