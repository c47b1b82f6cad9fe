import { formatCount, formatDuration } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";
import { GroupMember, untilGroupHasAll } from "./group-member.ts";
import { type TourContext, until } from "./tour-context.ts";

const REBALANCE_MS_MAX = 40_000;
const CATCH_UP_MS_MAX = 60_000;

/**
 * Step 3: two consumers share a topic; one leaves, and the other gets its partitions. The one that
 * stays is returned.
 */
export async function stepGroup(context: TourContext): Promise<GroupMember> {
  const { acks, clock, deliveries, report } = context;
  report.step("a consumer group of two; one leaves, its partitions move");
  const staying = new GroupMember(context, "anna");
  const leaving = new GroupMember(context, "bert");
  const both = await until(context, { what: "both members", timeoutMs: REBALANCE_MS_MAX }, () =>
    ownersOfAll(context, 2),
  );
  report.say(ownersTable("two members", both));
  await until(context, { what: "records at both", timeoutMs: CATCH_UP_MS_MAX }, () => {
    for (const member of [staying, leaving]) member.throwFailure();
    return deliveries.countOf(leaving.name) > 0 && deliveries.countOf(staying.name) > 0
      ? true
      : undefined;
  });
  const leftMs = clock.monotonicMs();
  await leaving.leave();
  const one = await until(context, { what: "the move", timeoutMs: REBALANCE_MS_MAX }, () =>
    ownersOfAll(context, 1),
  );
  report.say(ownersTable("after bert left", one));
  report.figure("a member's partitions move", formatDuration(clock.monotonicMs() - leftMs));
  await untilGroupHasAll(context, staying);
  const counts = [staying, leaving].map(
    ({ name }) => `${name} ${formatCount(deliveries.countOf(name))}`,
  );
  report.say(`${counts.join(", ")}; ${formatCount(deliveries.repeatedCount)} delivered again`);
  report.check(
    `the group was handed all ${formatCount(acks.count)} records and passed over none`,
    deliveries.skipped,
  );
  return staying;
}

/** Partitions by member once `memberCount` members have all of them, none without any. */
async function ownersOfAll(
  context: TourContext,
  memberCount: number,
): Promise<ReadonlyMap<string, readonly number[]> | undefined> {
  const { client, plan } = context;
  const owned = (await client.describeGroup(plan.group, plan.ordersTopic))?.owned;
  if (owned?.size !== memberCount) return undefined;
  const lists = [...owned.values()];
  const total = new Set(lists.flat()).size;
  return total === plan.partitionCount && lists.every((list) => list.length > 0)
    ? owned
    : undefined;
}

function ownersTable(title: string, owned: ReadonlyMap<string, readonly number[]>): string {
  const rows = [...owned]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, partitions]) => [name, partitions.toSorted((a, b) => a - b).join(" ")]);
  return formatTable([title, "partitions"], rows);
}
