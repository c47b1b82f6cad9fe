import type { Stratalog } from "@stratalog/client";
import { type Command, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { readTls, type TlsOptions, withTlsOptions } from "./tls-options.ts";
import { clusterAddresses } from "./cluster-address.ts";

/** Options of every command that asks a cluster. */
export interface ClusterOptions extends TlsOptions {
  readonly brokers?: string;
}

/** Options of every command that prints facts. */
export interface FormatOptions extends ClusterOptions {
  readonly output: "table" | "json";
}

/** Adds `--brokers` and the flags for TLS. */
export function withClusterOption(command: Command): Command {
  return withTlsOptions(
    command.option(
      "--brokers <list>",
      "brokers to ask, host:port with commas between (or STRATALOG_BROKERS)",
    ),
  );
}

/** Adds `--brokers` and `-o`. */
export function withFormatOptions(command: Command): Command {
  const format = new Option("-o, --output <format>", "for people or for programs");
  return withClusterOption(command).addOption(format.choices(["table", "json"]).default("table"));
}

/**
 * Runs an action with a client of the cluster that the options name, and closes it whatever
 * happens.
 */
export async function useClient<T>(
  options: ClusterOptions,
  action: (client: Stratalog) => Promise<T>,
  clientId = "strata",
): Promise<T> {
  const brokers = await clusterAddresses(options.brokers, process.env["STRATALOG_BROKERS"]);
  const { connect } = await import("@stratalog/client");
  const tls = await readTls(options, process.env);
  const client = connect({ brokers, clientId, ...(tls === undefined ? {} : { tls }) });
  try {
    return await action(client);
  } finally {
    await client.close();
  }
}

/** Facts in both forms. */
export interface Facts {
  /** For programs. */
  readonly json: unknown;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/**
 * Prints facts as the options say. Large whole numbers are text in JSON, so that no reader rounds
 * them.
 */
export async function printFacts(
  context: CommandContext,
  options: FormatOptions,
  facts: Facts,
): Promise<void> {
  if (options.output === "json") {
    const exact = (_key: string, value: unknown): unknown =>
      typeof value === "bigint" ? value.toString() : value;
    context.output.line(JSON.stringify(facts.json, exact, 2));
    return;
  }
  const { formatTable } = await import("../output/table.ts");
  context.output.line(formatTable(facts.headings, facts.rows));
}
