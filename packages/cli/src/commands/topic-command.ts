import type { TopicDescription } from "@stratalog/client";
import type { Command } from "commander";
import {
  addDeletion,
  type ClusterOptions,
  type FormatOptions,
  printFacts,
  useClient,
  withClusterOption,
  withFormatOptions,
} from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { collect, collectSetting, wholeNumber } from "./option-parsers.ts";

const PARTITIONS_MAX = 10_000;
const REPLICAS_MAX = 7;

/** Adds `strata topic` with all that can be done to topics. */
export function addTopicCommand(program: Command, context: CommandContext): void {
  const topic = program
    .command("topic")
    .summary("create, show and change topics")
    .description("Creates, shows and changes topics.");
  addCreate(topic, context);
  addList(topic, context);
  addDescribe(topic, context);
  addDeletion(topic, context, {
    what: "topic",
    description: "Deletes a topic and all its records, for good.",
    loss: "all its records",
    example: "strata topic delete clicks",
    run: (client, name, signal) => client.admin().deleteTopic(name, { signal }),
  });
  addAddPartitions(topic, context);
  addAlter(topic, context);
}

interface CreateOptions extends ClusterOptions {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
  readonly ifNotExists?: boolean;
}

function addCreate(topic: Command, context: CommandContext): void {
  withClusterOption(topic.command("create <topic>"))
    .description("Creates a topic.")
    .option("-p, --partitions <count>", "partitions", wholeNumber(1, PARTITIONS_MAX))
    .option("-r, --replication-factor <count>", "replicas of each", wholeNumber(1, REPLICAS_MAX))
    .option("-c, --config <name=value>", "configuration; may be given again", collectSetting)
    .option("--if-not-exists", "be content when there is one")
    .addHelpText(
      "after",
      `
Examples:
  strata topic create orders --partitions 12
  strata topic create audit -r 3 -c retention.ms=604800000 -c max.message.bytes=2097152

Configuration: segment.bytes, segment.ms, retention.ms, retention.bytes, max.message.bytes.`,
    )
    .action(async (name: string, options: CreateOptions) => {
      await useClient(options, async (client) => {
        const { partitions, replicationFactor, config } = options;
        const wanted = {
          name,
          ...(partitions === undefined ? {} : { partitions }),
          ...(replicationFactor === undefined ? {} : { replicationFactor }),
          ...(config === undefined ? {} : { config }),
        };
        try {
          const made = await client.admin().createTopic(wanted, { signal: context.signal });
          context.output.line(
            `created ${made.name}: ${made.partitions.length} partitions, ` +
              `${made.replicationFactor} replicas each`,
          );
        } catch (error) {
          if (options.ifNotExists !== true || !isAlreadyThere(error)) throw error;
          context.output.line(`${name} exists`);
        }
      });
    });
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "TOPIC_ALREADY_EXISTS";
}

function addList(topic: Command, context: CommandContext): void {
  withFormatOptions(topic.command("list"))
    .description("Lists topics.")
    .option("--prefix <text>", "only names that begin with this")
    .option("--internal", "also the cluster's own")
    .addHelpText(
      "after",
      `
Examples:
  strata topic list
  strata topic list --prefix orders -o json`,
    )
    .action(
      async (
        options: FormatOptions & { readonly prefix?: string; readonly internal?: boolean },
      ) => {
        const topics = await useClient(options, (client) =>
          client.admin().listTopics({
            signal: context.signal,
            includeInternal: options.internal === true,
            ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
          }),
        );
        await printFacts(context, options, {
          json: topics,
          headings: ["topic", "partitions", "replicas"],
          rows: topics.map(({ name, partitionCount, replicationFactor }) => [
            name,
            partitionCount,
            replicationFactor,
          ]),
        });
      },
    );
}

function addDescribe(topic: Command, context: CommandContext): void {
  withFormatOptions(topic.command("describe <topic>"))
    .description("Shows partitions, leaders, offsets and configuration of a topic.")
    .addHelpText(
      "after",
      `
Examples:
  strata topic describe orders
  strata topic describe orders -o json`,
    )
    .action(async (name: string, options: FormatOptions) => {
      await useClient(options, async (client) => {
        const { signal } = context;
        const described = await client.admin().describeTopic(name, { signal });
        const starts = await offsetsOf(client, name, "earliest", signal);
        const ends = await offsetsOf(client, name, "latest", signal);
        const partitions = described.partitions.map((partition) => ({
          ...partition,
          startOffset: starts.get(partition.partition),
          endOffset: ends.get(partition.partition),
        }));
        await printFacts(context, options, {
          json: { ...described, partitions },
          headings: ["partition", "leader", "epoch", "replicas", "start", "end"],
          rows: partitions.map((each) => [
            each.partition,
            each.leader ?? "none",
            each.leaderEpoch,
            each.replicas.join(" "),
            Number(each.startOffset ?? 0n),
            Number(each.endOffset ?? 0n),
          ]),
        });
        if (options.output === "table") {
          context.output.line("");
          await printConfig(context, described);
        }
      });
    });
}

async function offsetsOf(
  client: Parameters<Parameters<typeof useClient>[1]>[0],
  topic: string,
  at: "earliest" | "latest",
  signal: AbortSignal,
): Promise<ReadonlyMap<number, bigint>> {
  const found = await client.admin().listOffsets({ topic, at }, { signal });
  return new Map(found.map(({ partition, offset }) => [partition, offset]));
}

async function printConfig(context: CommandContext, topic: TopicDescription): Promise<void> {
  await printFacts(
    context,
    { output: "table" },
    {
      json: topic.config,
      headings: ["configuration", "value", "set by"],
      rows: topic.config.map(({ name, value, source }) => [name, value, source]),
    },
  );
}

function addAddPartitions(topic: Command, context: CommandContext): void {
  withClusterOption(topic.command("add-partitions <topic>"))
    .description("Grows a topic. Keys move to other partitions from then on; it cannot shrink.")
    .requiredOption(
      "--total <count>",
      "partitions that it shall have in all",
      wholeNumber(1, PARTITIONS_MAX),
    )
    .addHelpText(
      "after",
      `
Examples:
  strata topic add-partitions orders --total 24`,
    )
    .action(async (name: string, options: ClusterOptions & { readonly total: number }) => {
      const { topic: grown, warning } = await useClient(options, (client) =>
        client.admin().addPartitions(name, options.total, { signal: context.signal }),
      );
      context.output.line(`${grown.name} has ${grown.partitions.length} partitions`);
      context.output.note(warning);
    });
}

interface AlterOptions extends ClusterOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly reset: readonly string[];
}

function addAlter(topic: Command, context: CommandContext): void {
  withClusterOption(topic.command("alter <topic>"))
    .description("Changes configuration of a topic; what is not named stays.")
    .option("--set <name=value>", "sets; may be given again", collectSetting)
    .option("--reset <name>", "back to the default; may be given again", collect, [])
    .addHelpText(
      "after",
      `
Examples:
  strata topic alter orders --set retention.ms=604800000
  strata topic alter orders --reset retention.ms`,
    )
    .action(async (name: string, options: AlterOptions, command: Command) => {
      const { set, reset } = options;
      if (set === undefined && reset.length === 0) {
        command.error("error: name what to change with --set or --reset");
      }
      const changed = await useClient(options, (client) =>
        client
          .admin()
          .alterConfig(
            name,
            { ...(set === undefined ? {} : { set }), reset },
            { signal: context.signal },
          ),
      );
      await printConfig(context, changed);
    });
}
