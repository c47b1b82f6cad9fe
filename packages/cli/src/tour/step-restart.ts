import { formatCount, formatDuration } from "../output/figures.ts";
import { type GroupMember, untilGroupHasAll } from "./group-member.ts";
import { type TourContext, until } from "./tour-context.ts";

const CATCH_UP_MS_MAX = 60_000;

/**
 * Step 5: the killed broker starts over its data and catches up; the group has read on meanwhile.
 */
export async function stepRestart(
  context: TourContext,
  id: number,
  member: GroupMember,
): Promise<void> {
  const { acks, client, clock, cluster, deliveries, plan, report } = context;
  report.step(`broker ${id} starts again over its data and catches up`);
  const startMs = clock.monotonicMs();
  await cluster.restart(id);
  report.say(`ready after ${formatDuration(clock.monotonicMs() - startMs)}`);
  const stored = await until(context, { what: "its catching up", timeoutMs: CATCH_UP_MS_MAX }, () =>
    storedEverywhere(context),
  );
  report.figure(
    "a killed broker is back with every record",
    `${formatDuration(clock.monotonicMs() - startMs)} (${formatCount(stored)} on each broker)`,
  );
  await untilGroupHasAll(context, member);
  await member.leave();
  const committed = await client.committedCount(plan.group, plan.ordersTopic);
  const lag = BigInt(acks.count) - committed;
  report.check(
    `the group read on through it all: ${formatCount(acks.count)} records, none passed over, all committed`,
    [...deliveries.skipped, ...(lag === 0n ? [] : [`${lag} records are not committed`])],
  );
}

/**
 * Number of records on every broker once all have the same and the controller counts them all in.
 */
async function storedEverywhere(context: TourContext): Promise<number | undefined> {
  const { client, cluster } = context;
  const live = await client.liveBrokers();
  if (live.length < cluster.brokerIds.length) return undefined;
  const counts = await Promise.all(cluster.brokerIds.map((id) => cluster.storedCount(id)));
  const [first] = counts;
  return counts.every((count) => count === first) ? first : undefined;
}
