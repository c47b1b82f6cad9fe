/** Runs one command line and resolves to its exit code. */
export function main(_args: readonly string[]): Promise<number> {
  process.stderr.write("strata: no command is built yet\n");
  return Promise.resolve(1);
}
