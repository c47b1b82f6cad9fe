import { readFile } from "node:fs/promises";
import { CodedError } from "@stratalog/base";
import type { ClientTls } from "@stratalog/client";
import { type Command, Option } from "commander";

/** Options of every command that may have to encrypt. */
export interface TlsOptions {
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
}

/** Heading of the flags that say which cluster to ask, and how. */
export const CLUSTER_GROUP = "Cluster:";

/** Adds `--tls` and what goes with it. */
export function withTlsOptions(command: Command): Command {
  const options = [
    new Option("--tls", "encrypt, trusting this machine's authorities"),
    new Option("--tls-ca <file>", "encrypt, trusting these authorities"),
    new Option("--tls-cert <file>", "own certificate"),
    new Option("--tls-key <file>", "its private key"),
    new Option("--tls-server-name <name>", "name in certificates"),
  ];
  for (const option of options) command.addOption(option.helpGroup(CLUSTER_GROUP));
  return command;
}

/**
 * How to encrypt as the options say; undefined for not at all. Rejects with INVALID_CONFIG when a
 * file cannot be read.
 */
export async function readTls(options: TlsOptions): Promise<true | ClientTls | undefined> {
  const { tls: isAsked, tlsCa, tlsCert, tlsKey, tlsServerName: serverName } = options;
  const contents: Record<string, string> = {};
  for (const [name, path] of Object.entries({ ca: tlsCa, cert: tlsCert, key: tlsKey })) {
    if (path !== undefined) contents[name] = await readPem(path);
  }
  const tls: ClientTls = { ...contents, ...(serverName === undefined ? {} : { serverName }) };
  if (Object.keys(tls).length > 0) return tls;
  return isAsked === true ? true : undefined;
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
