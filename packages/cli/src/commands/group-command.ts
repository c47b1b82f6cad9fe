import type { Command } from "commander";
import {
  addDeletion,
  type FormatOptions,
  printFacts,
  useClient,
  withFormatOptions,
} from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { addResetOffsets } from "./reset-offsets-command.ts";

/** Adds `strata group`, which may be called `strata groups`. */
export function addGroupCommand(program: Command, context: CommandContext): void {
  const group = program.command("group").alias("groups");
  group.summary("show consumer groups, delete them, set where they go on");
  group.description("Shows consumer groups, deletes them, and sets where they go on.");
  addList(group, context);
  addDescribe(group, context);
  addDeletion(group, context, {
    what: "group",
    description: "Deletes a group that has no members, and where it was.",
    loss: "what it has committed",
    example: "strata group delete billing",
    run: (client, name, signal) => client.admin().deleteGroup(name, { signal }),
  });
  addResetOffsets(group, context);
}

function addList(group: Command, context: CommandContext): void {
  withFormatOptions(group.command("list"))
    .description("Lists groups.")
    .addHelpText(
      "after",
      `
Examples:
  strata group list
  strata group list -o json`,
    )
    .action(async (options: FormatOptions) => {
      const groups = await useClient(options, (client) =>
        client.admin().listGroups({ signal: context.signal }),
      );
      await printFacts(context, options, {
        json: groups,
        headings: ["group", "state", "members", "coordinator"],
        rows: groups.map(({ groupId, state, memberCount, coordinator }) => [
          groupId,
          state,
          memberCount,
          coordinator,
        ]),
      });
    });
}

function addDescribe(group: Command, context: CommandContext): void {
  withFormatOptions(group.command("describe <group>"))
    .description("Shows who reads what in a group, and how far behind it is.")
    .addHelpText(
      "after",
      `
Examples:
  strata group describe billing
  strata group describe billing -o json`,
    )
    .action(async (name: string, options: FormatOptions) => {
      await useClient(options, async (client) => {
        const { signal } = context;
        const described = await client.admin().describeGroup(name, { signal });
        const partitions = await client.admin().groupLag(name, { signal });
        const { groupId, state, coordinator, members } = described;
        if (options.output === "table") {
          const lag = partitions.reduce((sum, each) => sum + (each.lag ?? 0n), 0n);
          context.output.line(
            `${groupId}: ${state}, ${members.length} members, coordinated by broker ${coordinator}, lag ${lag}`,
          );
        }
        await printFacts(context, options, {
          json: { ...described, partitions },
          headings: ["topic", "partition", "member", "committed", "end", "lag"],
          rows: partitions.map((each) => [
            each.topic,
            each.partition,
            each.clientId ?? "-",
            String(each.committed ?? "-"),
            String(each.end ?? "-"),
            String(each.lag ?? "-"),
          ]),
        });
      });
    });
}
