import type { GroupDescription, Stratalog } from "@stratalog/client";
import type { Command } from "commander";
import { type FormatOptions, printFacts, useClient, withFormatOptions } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";

/** Adds `strata group`. */
export function addGroupCommand(program: Command, context: CommandContext): void {
  const group = program.command("group").description("Shows consumer groups.");
  addList(group, context);
  addDescribe(group, context);
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
        const described = await client.admin().describeGroup(name, { signal: context.signal });
        const partitions = await partitionsOf(client, described, context.signal);
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
            each.member ?? "-",
            String(each.committed ?? "-"),
            String(each.end ?? "-"),
            String(each.lag ?? "-"),
          ]),
        });
      });
    });
}

interface GroupPartition {
  readonly topic: string;
  readonly partition: number;
  /** Name of the client that owns it. */
  readonly member: string | undefined;
  readonly committed: bigint | undefined;
  readonly end: bigint | undefined;
  readonly lag: bigint | undefined;
}

/** Every partition that a member owns or that has a committed offset, with its end. */
async function partitionsOf(
  client: Stratalog,
  group: GroupDescription,
  signal: AbortSignal,
): Promise<readonly GroupPartition[]> {
  const members = new Map<string, string>();
  for (const { clientId, owned } of group.members) {
    for (const { topic, partitions } of owned) {
      for (const partition of partitions) members.set(`${topic}/${partition}`, clientId);
    }
  }
  const committed = new Map(
    group.offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]),
  );
  const topics = new Set([...members.keys(), ...committed.keys()].map(topicOf));
  const result: GroupPartition[] = [];
  for (const topic of [...topics].toSorted()) {
    const ends = await client.admin().listOffsets({ topic, at: "latest" }, { signal });
    for (const { partition, offset: end } of ends) {
      const key = `${topic}/${partition}`;
      const member = members.get(key);
      const offset = committed.get(key);
      if (member === undefined && offset === undefined) continue;
      result.push({ topic, partition, member, committed: offset, end, lag: end - (offset ?? 0n) });
    }
  }
  return result;
}

function topicOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/"));
}
