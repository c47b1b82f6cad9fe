import { formatCount, formatDuration, formatRate } from "../output/figures.ts";
import { OrderLoad } from "./order-load.ts";
import type { TourContext } from "./tour-context.ts";

/** Step 2: order events from a seeded generator, as fast as they are acknowledged. */
export async function stepOrders(context: TourContext): Promise<void> {
  const { acks, clock, generator, plan, report } = context;
  report.step(
    `${formatCount(plan.orderCount)} order events (placed, reserved, paid, shipped, notified), keyed by order`,
  );
  const before = acks.count;
  const startMs = clock.monotonicMs();
  await new OrderLoad(context).sendUpTo(plan.orderCount, (acked) => {
    report.progress(`${formatCount(acked)} of ${formatCount(plan.orderCount)} acknowledged`);
  });
  const durationMs = clock.monotonicMs() - startMs;
  report.figure(
    "records acknowledged, each on the disks of a majority",
    formatRate(acks.count - before, durationMs),
  );
  report.say(`${formatCount(generator.orders.size)} orders in ${formatDuration(durationMs)}`);
}
