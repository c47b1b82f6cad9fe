import { present } from "@stratalog/base";
import { formatCount, formatDuration } from "../output/figures.ts";
import { OrderLoad } from "./order-load.ts";
import { leadersByBroker } from "./step-cluster.ts";
import { type TourContext, until } from "./tour-context.ts";

const BEFORE_MS = 1000;
const AFTER_MS = 1500;
const RECOVERY_MS_MAX = 40_000;

/**
 * Step 4: `kill -9` of the broker that leads most partitions, and among equals of the group's
 * coordinator, while writes go to every partition. Resolves to the broker killed.
 */
export async function stepKill(context: TourContext): Promise<number> {
  const { acks, clock, cluster, plan, report } = context;
  report.step(`kill -9 under a load of ${formatCount(plan.loadPerSecond)} records/s`);
  const victim = await chooseVictim(context);
  report.say(victim.reason);
  const load = new OrderLoad(context);
  const startMs = clock.monotonicMs();
  const before = acks.count;
  acks.watch(plan.partitionCount, startMs);
  let killedMs: number | undefined;
  let recoveredMs: number | undefined;
  const isDone = (): boolean => {
    const nowMs = clock.monotonicMs();
    report.progress(`${formatCount(acks.count - before)} acknowledged under load`);
    if (killedMs === undefined) return false;
    if (acks.isPastEverywhere(killedMs)) recoveredMs ??= nowMs;
    if (recoveredMs !== undefined) return nowMs > recoveredMs + AFTER_MS;
    return nowMs > killedMs + RECOVERY_MS_MAX;
  };
  const sending = load.sendPaced(plan.loadPerSecond, isDone);
  const killing = until(context, { what: "the load", timeoutMs: RECOVERY_MS_MAX }, () =>
    clock.monotonicMs() > startMs + BEFORE_MS ? true : undefined,
  ).then(async () => {
    killedMs = clock.monotonicMs();
    await cluster.kill(victim.id);
  });
  await Promise.all([sending, killing]);
  const gap = acks.longestGap(clock.monotonicMs());
  await load.settle();
  report.figure(
    "longest gap in acknowledged writes of any partition at kill -9",
    `${formatDuration(gap.durationMs)} (partition ${gap.partition})`,
  );
  const notRecovered = recoveredMs === undefined ? ["a partition took no write any more"] : [];
  report.check("every partition takes writes again with one broker dead", notRecovered);
  return victim.id;
}

async function chooseVictim(
  context: TourContext,
): Promise<{ readonly id: number; readonly reason: string }> {
  const { client, plan } = context;
  const leaders = await until(context, { what: "leaders", timeoutMs: RECOVERY_MS_MAX }, () =>
    leadersByBroker(context),
  );
  const most = Math.max(...[...leaders.values()].map((partitions) => partitions.length));
  const busiest = [...leaders.keys()].filter((id) => leaders.get(id)?.length === most);
  const coordinator = (await client.describeGroup(plan.group, plan.ordersTopic))?.coordinatorId;
  const id =
    busiest.find((candidate) => candidate === coordinator) ?? present(busiest[0], "broker");
  const also = id === coordinator ? " and coordinates the group" : "";
  const leads = `broker ${id} leads ${most} of ${plan.partitionCount} partitions, as many as any`;
  return { id, reason: `${leads}${also}` };
}
