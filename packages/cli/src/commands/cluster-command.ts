import type { Command } from "commander";
import {
  type ClusterOptions,
  type FormatOptions,
  withClusterOption,
  withFormatOptions,
} from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { wholeNumber } from "./option-parsers.ts";

/** Options of `strata cluster health`. */
export interface ClusterHealthOptions extends ClusterOptions {
  readonly wait: number;
}

/** Adds `strata cluster`. */
export function addClusterCommand(program: Command, context: CommandContext): void {
  const cluster = program
    .command("cluster")
    .summary("show the cluster and its health")
    .description("Shows the cluster.");
  withFormatOptions(cluster.command("status"))
    .description("Shows brokers, what each leads and holds, and how far replicas are behind.")
    .addHelpText(
      "after",
      `
Examples:
  strata cluster status
  strata cluster status --brokers 127.0.0.1:9105,127.0.0.1:9115 -o json

Behind counts, over the partitions that others lead, the batches that a broker lacks.`,
    )
    .action(async (options: FormatOptions) => {
      const { showStatus } = await import("../cluster/cluster-status.ts");
      await showStatus(options, context);
    });
  withClusterOption(cluster.command("health"))
    .description("Says what is wrong with the cluster; exit code 10 when anything is.")
    .option("--wait <seconds>", "how long it may take to become healthy", wholeNumber(0, 3_600), 0)
    .addHelpText(
      "after",
      `
Examples:
  strata cluster health
  strata cluster health --wait 60 && ./deploy.sh

Healthy: there is a controller, no broker is counted out, every partition has a leader and all its
replicas in sync, and no replica is damaged.`,
    )
    .action(async (options: ClusterHealthOptions) => {
      const { checkHealth } = await import("../cluster/cluster-health.ts");
      context.setExitCode(await checkHealth(options, context));
    });
}
