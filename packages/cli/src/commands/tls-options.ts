import { readFile } from "node:fs/promises";
import { CodedError } from "@stratalog/base";
import type { ClientTls } from "@stratalog/client";
import type { Command } from "commander";

/** Options of every command that may have to encrypt. */
export interface TlsOptions {
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
}

/** The variables that stand for the flags. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Adds `--tls` and what goes with it. */
export function withTlsOptions(command: Command): Command {
  return command
    .option("--tls", "encrypt, trusting this machine's authorities (or STRATALOG_TLS=true)")
    .option("--tls-ca <file>", "encrypt, trusting these authorities (or STRATALOG_TLS_CA)")
    .option("--tls-cert <file>", "own certificate (or STRATALOG_TLS_CERT)")
    .option("--tls-key <file>", "its private key (or STRATALOG_TLS_KEY)")
    .option("--tls-server-name <name>", "name in certificates (or STRATALOG_TLS_SERVER_NAME)");
}

/**
 * How to encrypt as flags and environment say; undefined for not at all. Rejects with
 * INVALID_CONFIG when a file cannot be read.
 */
export async function readTls(
  options: TlsOptions,
  environment: Environment,
): Promise<true | ClientTls | undefined> {
  const file = (named: string | undefined, variable: string): string | undefined => {
    const text = named ?? environment[variable];
    return text === "" ? undefined : text;
  };
  const paths = {
    ca: file(options.tlsCa, "STRATALOG_TLS_CA"),
    cert: file(options.tlsCert, "STRATALOG_TLS_CERT"),
    key: file(options.tlsKey, "STRATALOG_TLS_KEY"),
  };
  const serverName = file(options.tlsServerName, "STRATALOG_TLS_SERVER_NAME");
  const contents: Record<string, string> = {};
  for (const [name, path] of Object.entries(paths)) {
    if (path !== undefined) contents[name] = await readPem(path);
  }
  const tls: ClientTls = { ...contents, ...(serverName === undefined ? {} : { serverName }) };
  if (Object.keys(tls).length > 0) return tls;
  const isAsked = options.tls === true || environment["STRATALOG_TLS"] === "true";
  return isAsked ? true : undefined;
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_CONFIG", `cannot read a TLS file: ${reason}`, {
      details: { path },
      cause: error,
    });
  }
}
