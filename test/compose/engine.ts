import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { repositoryRoot } from "../skips.ts";

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** What can be found out about the container engine of this machine without starting anything. */
export interface Engine {
  /** For the report: engine and compose, with their versions. */
  readonly name: string;
  /** The command of compose: the plugin, or the program of its own that came before it. */
  readonly compose: readonly string[];
}

function firstLine(command: string, ...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8", timeout: 10_000 });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}

/** The engine, or undefined where none answers. */
export function findEngine(): Engine | undefined {
  const server = firstLine("docker", "version", "--format", "{{.Server.Version}}");
  if (server === undefined || server === "") return undefined;
  const plugin = firstLine("docker", "compose", "version");
  if (plugin !== undefined) {
    return { name: `docker ${server}, ${plugin}`, compose: ["docker", "compose"] };
  }
  const program = firstLine("docker-compose", "--version");
  if (program === undefined) return undefined;
  return { name: `docker ${server}, ${program}`, compose: ["docker-compose"] };
}

/** Runs a program in the repository; resolves with its output, rejects with what it said. */
export async function execute(
  [command = "", ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await run(command, args, {
    cwd: repositoryRoot,
    env: { ...process.env, ...environment },
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return stdout;
}
