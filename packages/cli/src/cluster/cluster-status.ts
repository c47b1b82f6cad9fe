import type { ReplicationDescription } from "@stratalog/client";
import { type FormatOptions, printFacts, useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";

/** Runs `strata cluster status`. */
export async function showStatus(options: FormatOptions, context: CommandContext): Promise<void> {
  const { signal, output } = context;
  const { status, replication } = await useClient(options, async (client) => ({
    status: await client.admin().describeCluster({ signal }),
    replication: await client.admin().describeReplication({ signal }),
  }));
  if (options.output === "table") {
    const { clusterId, controller, topicCount, partitionCount } = status;
    output.line(
      `cluster ${clusterId}: controller ${controller ?? "none"}, ` +
        `${topicCount} topics, ${partitionCount} partitions ` +
        `(${replication.underReplicatedCount} under-replicated, ` +
        `${replication.leaderlessCount} without a leader)`,
    );
  }
  await printFacts(context, options, {
    json: { ...status, replication },
    headings: ["broker", "address", "rack", "state", "controller", "leads", "holds", "behind"],
    rows: status.brokers.map((broker) => [
      broker.brokerId,
      broker.address,
      broker.rack === "" ? "-" : broker.rack,
      broker.isFenced ? "fenced" : "in",
      controllerPart(broker.brokerId === status.controller, broker.isControllerVoter),
      broker.leaderCount,
      broker.replicaCount,
      lagOf(replication, broker.brokerId),
    ]),
  });
}

function controllerPart(isController: boolean, isVoter: boolean): string {
  if (isController) return "controller";
  return isVoter ? "voter" : "-";
}

/** Batches that a broker lacks of what others lead, as they know it. */
function lagOf({ partitions }: ReplicationDescription, brokerId: number): number {
  return partitions
    .flatMap(({ followers }) => followers)
    .filter((follower) => follower.brokerId === brokerId)
    .reduce((sum, { lagBatches }) => sum + lagBatches, 0);
}
