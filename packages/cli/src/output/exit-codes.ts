/** Exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** The command ran and failed; standard error has one line with a code. */
  error: 1,
  /** The command line was wrong; nothing was done. */
  usage: 2,
  /** Ctrl-C before the command was done. */
  interrupted: 130,
} as const;
