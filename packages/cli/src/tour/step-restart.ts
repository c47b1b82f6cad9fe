import { formatCount, formatDuration } from "../output/figures.ts";
import type { GroupMember } from "./group-member.ts";
import { type TourContext, until } from "./tour-context.ts";

const CATCH_UP_MS_MAX = 30_000;

/** Step 5: the killed broker starts over its data and catches up; the group has read on meanwhile. */
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
  await until(context, { what: "its registration", timeoutMs: CATCH_UP_MS_MAX }, async () => {
    const live = await client.liveBrokers();
    return live.length === cluster.brokerIds.length ? true : undefined;
  });
  report.figure("a killed broker is back in", formatDuration(clock.monotonicMs() - startMs));
  await until(context, { what: "the group to read all", timeoutMs: CATCH_UP_MS_MAX }, () => {
    member.throwFailure();
    report.progress(`${formatCount(deliveries.distinctCount)} records read by the group`);
    return deliveries.distinctCount >= acks.count ? true : undefined;
  });
  await member.leave();
  const committed = await client.committedCount(plan.group, plan.ordersTopic);
  const lag = BigInt(acks.count) - committed;
  report.check(
    `the group read on through it all: ${formatCount(acks.count)} records, none passed over, all committed`,
    [...deliveries.skipped, ...(lag === 0n ? [] : [`${lag} records are not committed`])],
  );
}
