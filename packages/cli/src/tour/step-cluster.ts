import { formatDuration } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";
import { OrderLoad } from "./order-load.ts";
import { type TourContext, until } from "./tour-context.ts";

/**
 * Step 1: the brokers are up, a topic exists, and the first record is on the disks of a majority.
 */
export async function stepCluster(context: TourContext): Promise<void> {
  const { client, cluster, clock, plan, report, startMs } = context;
  const count = cluster.brokerIds.length;
  report.step(`${count} brokers, each a process of its own, form a cluster`);
  await until(context, { what: `${count} live brokers`, timeoutMs: 20_000 }, async () => {
    const live = await client.liveBrokers();
    return live.length === count ? live : undefined;
  });
  report.say(`cluster up after ${formatDuration(clock.monotonicMs() - startMs)}`);
  await client.createTopic(plan.ordersTopic, plan.partitionCount);
  const load = new OrderLoad(context);
  await load.sendUpTo(1, () => {});
  report.figure(
    "from start to the first acknowledged record",
    formatDuration(clock.monotonicMs() - startMs),
  );
  const leaders = await until(context, { what: "leaders", timeoutMs: 20_000 }, () =>
    leadersByBroker(context),
  );
  const rows = [...leaders].map(([id, partitions]) => [id, partitions.join(" ")]);
  report.say(formatTable(["broker", `leads of ${plan.ordersTopic}`], rows));
}

/** Partitions that each broker leads, or undefined while one has no leader. */
export async function leadersByBroker(
  context: TourContext,
): Promise<ReadonlyMap<number, readonly number[]> | undefined> {
  const leaders = await context.client.leaders(context.plan.ordersTopic);
  const result = new Map(context.cluster.brokerIds.map((id): [number, number[]] => [id, []]));
  for (const [partition, leader] of leaders.entries()) {
    const list = leader === undefined ? undefined : result.get(leader);
    if (list === undefined) return undefined;
    list.push(partition);
  }
  return result;
}
