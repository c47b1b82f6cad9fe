import { readDeadLetter } from "@stratalog/client";
import { printFacts, useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import type { DlqListOptions, DlqRedriveOptions, DlqShowOptions } from "../commands/dlq-command.ts";
import { EXIT } from "../output/exit-codes.ts";
import { lookAt, waitingCount } from "./dead-letter-topic.ts";
import { letterAsJson, letterAsText } from "./letter-text.ts";
import { redrive } from "./redrive.ts";

const ENDING = ".dlq";

/** Prints the dead-letter topics, or those that are named. */
export async function runDlqList(
  topics: readonly string[],
  options: DlqListOptions,
  context: CommandContext,
): Promise<void> {
  const { signal } = context;
  const found = await useClient(options, async (client) => {
    const named =
      topics.length > 0
        ? topics
        : (await client.admin().listTopics({ signal }))
            .map(({ name }) => name)
            .filter((name) => name.endsWith(ENDING));
    return await Promise.all(named.toSorted().map((topic) => lookAt(client, topic, signal)));
  });
  const facts = found.map((state) => ({
    topic: state.topic,
    records: state.partitions.reduce((sum, { start, end }) => sum + end - start, 0n),
    waiting: waitingCount(state),
  }));
  await printFacts(context, options, {
    json: facts,
    headings: ["topic", "records", "not redriven"],
    rows: facts.map(({ topic, records, waiting }) => [topic, Number(records), Number(waiting)]),
  });
}

/** Prints dead letters: those that were not redriven, or all. */
export async function runDlqShow(
  topic: string,
  options: DlqShowOptions,
  context: CommandContext,
): Promise<void> {
  const { signal, output } = context;
  const format = options.json === true ? letterAsJson : letterAsText;
  await useClient(options, async (client) => {
    const { partitions } = await lookAt(client, topic, signal);
    const from = {
      offsets: Object.fromEntries(
        partitions.map(({ partition, start, next }) => [
          partition,
          options.all === true ? start : next,
        ]),
      ),
    };
    let left = options.max ?? Number.POSITIVE_INFINITY;
    for await (const record of client.replay({ topic, from, signal })) {
      output.line(format(record, readDeadLetter(record.headers)));
      left--;
      if (left === 0) break;
    }
  });
}

/** Sends dead letters back, and says how many; resolves to the exit code. */
export async function runDlqRedrive(
  topic: string,
  options: DlqRedriveOptions,
  context: CommandContext,
): Promise<number> {
  const { signal, output } = context;
  const isDryRun = options.dryRun === true;
  const { counts, skippedCount } = await useClient(options, (client) =>
    redrive(client, {
      topic,
      max: options.max ?? Number.POSITIVE_INFINITY,
      isDryRun,
      signal,
      onProgress: (sent, waiting) => output.progress(`${sent} of ${waiting}`),
    }),
  );
  const rows = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const total = rows.reduce((sum, [, count]) => sum + count, 0);
  await printFacts(context, options, {
    json: {
      dryRun: isDryRun,
      total,
      skipped: skippedCount,
      topics: rows.map(([name, count]) => ({ topic: name, count })),
    },
    headings: ["to", isDryRun ? "would be sent" : "sent"],
    rows,
  });
  if (skippedCount > 0) output.note(`${skippedCount} records are no dead letters: passed over`);
  if (isDryRun) output.note("nothing is sent yet: leave --dry-run out");
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
}
