import type { Stratalog } from "@stratalog/client";
import { type Command, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { clusterAddresses } from "./cluster-address.ts";
import { CLUSTER_GROUP, readTls, type TlsOptions, withTlsOptions } from "./tls-options.ts";

/** Options of every command that asks a cluster. */
export interface ClusterOptions extends TlsOptions {
  readonly brokers?: string;
  /** Name of a profile that says what the other options do not. */
  readonly profile?: string;
}

/** Options of every command that prints facts. */
export interface FormatOptions extends ClusterOptions {
  readonly output: "table" | "json";
}

/** Adds `--brokers`, `--profile` and the flags for TLS. */
export function withClusterOption(command: Command): Command {
  const options = [
    new Option("--brokers <list>", "brokers to ask, host:port with commas between"),
    new Option("--profile <name>", "cluster to ask, by its name in `strata profile list`"),
  ];
  for (const option of options) command.addOption(option.helpGroup(CLUSTER_GROUP));
  return withTlsOptions(command);
}

/** Adds `-o`. */
export function withOutputOption(command: Command): Command {
  const format = new Option("-o, --output <format>", "for people or for programs");
  return command.addOption(format.choices(["table", "json"]).default("table"));
}

/** Adds the flags that name a cluster, and `-o`. */
export function withFormatOptions(command: Command): Command {
  return withOutputOption(withClusterOption(command));
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
  const cluster = await withProfile(options);
  const brokers = await clusterAddresses(cluster.brokers);
  const { connect } = await import("@stratalog/client");
  const tls = await readTls(cluster);
  const client = connect({ brokers, clientId, ...(tls === undefined ? {} : { tls }) });
  try {
    return await action(client);
  } finally {
    await client.close();
  }
}

/**
 * Options with what a profile adds: the named one, else the one in use, unless brokers are named:
 * certificates for one cluster must not go to another.
 */
async function withProfile(options: ClusterOptions): Promise<ClusterOptions> {
  if (options.profile === undefined && options.brokers !== undefined) return options;
  const { profileNamed, profilePath, readProfiles } = await import("../profile/profile-file.ts");
  const content = await readProfiles(profilePath(process.env));
  const name = options.profile ?? content.current;
  return name === undefined ? options : { ...profileNamed(content, name), ...options };
}

/** Something with a name that a command takes away for good, once it is told so with `--yes`. */
export interface Deletion {
  /** Of the argument, as in "topic". */
  readonly what: string;
  readonly description: string;
  /** What would be gone, after the name. */
  readonly loss: string;
  readonly example: string;
  readonly run: (client: Stratalog, name: string, signal: AbortSignal) => Promise<void>;
}

/** Adds `delete` to a command. */
export function addDeletion(parent: Command, context: CommandContext, deletion: Deletion): void {
  const { what, description, loss, example, run } = deletion;
  withClusterOption(parent.command(`delete <${what}>`))
    .description(description)
    .option("--yes", "really")
    .addHelpText("after", `\nExamples:\n  ${example} --yes`)
    .action(
      async (
        name: string,
        options: ClusterOptions & { readonly yes?: boolean },
        command: Command,
      ) => {
        if (options.yes !== true) {
          command.error(`error: ${name} and ${loss} would be gone; say so with --yes`);
        }
        await useClient(options, (client) => run(client, name, context.signal));
        context.output.line(`deleted ${name}`);
      },
    );
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
