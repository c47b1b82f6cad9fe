import type { Command } from "commander";
import { type FormatOptions, printFacts, useClient, withFormatOptions } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";

/** Adds `strata cluster`. */
export function addClusterCommand(program: Command, context: CommandContext): void {
  const cluster = program.command("cluster").description("Shows the cluster.");
  withFormatOptions(cluster.command("status"))
    .description("Shows brokers, who is the controller, and how much each leads and holds.")
    .addHelpText(
      "after",
      `
Examples:
  strata cluster status
  strata cluster status --brokers 127.0.0.1:9105,127.0.0.1:9115 -o json`,
    )
    .action(async (options: FormatOptions) => {
      const status = await useClient(options, (client) =>
        client.admin().describeCluster({ signal: context.signal }),
      );
      if (options.output === "table") {
        const { clusterId, controller, topicCount, partitionCount } = status;
        context.output.line(
          `cluster ${clusterId}: controller ${controller ?? "none"}, ` +
            `${topicCount} topics, ${partitionCount} partitions`,
        );
      }
      await printFacts(context, options, {
        json: status,
        headings: ["broker", "address", "rack", "state", "controller", "leads", "holds"],
        rows: status.brokers.map((broker) => [
          broker.brokerId,
          broker.address,
          broker.rack === "" ? "-" : broker.rack,
          broker.isFenced ? "fenced" : "in",
          controllerPart(broker.brokerId === status.controller, broker.isControllerVoter),
          broker.leaderCount,
          broker.replicaCount,
        ]),
      });
    });
}

function controllerPart(isController: boolean, isVoter: boolean): string {
  if (isController) return "controller";
  return isVoter ? "voter" : "-";
}
