import { formatCount, formatRate } from "../output/figures.ts";
import { decodeOrderEvent } from "../orders/order-event.ts";
import { OrderFold } from "../orders/order-fold.ts";
import { orderDifferences } from "../orders/order-state.ts";
import type { TourContext } from "./tour-context.ts";

/** What a replay of the orders gave. */
interface OrderReplay {
  readonly fold: OrderFold;
  /** Records that are not where they were acknowledged. */
  readonly misplaced: readonly string[];
  /** Times of the events by sequence. */
  readonly timesMs: ReadonlyMap<number, number>;
}

const TIME_FRACTION = 0.75;

/**
 * Step 6: everything from offset 0, then from a time, folded and compared with the generator record
 * by record.
 */
export async function stepReplay(context: TourContext): Promise<void> {
  const { acks, clock, generator, report } = context;
  report.step("replay from offset 0 and from a time, against the generator's own state");
  const startMs = clock.monotonicMs();
  const whole = await replayOrders(context, undefined);
  const rate = formatRate(whole.fold.eventCount, clock.monotonicMs() - startMs);
  report.figure("records replayed and folded", rate);
  report.check(
    `every one of ${formatCount(acks.count)} acknowledged records is at its offset, once`,
    [...whole.misplaced, ...countDifference(acks.count, whole.fold.eventCount)],
  );
  const differences = orderDifferences(generator.orders, whole.fold.orders).map(
    ({ orderId, expected, actual }) =>
      `${orderId}: expected ${JSON.stringify(expected)}, replayed ${JSON.stringify(actual)}`,
  );
  report.check(`all ${formatCount(generator.orders.size)} orders are as the generator has them`, [
    ...whole.fold.faults,
    ...differences,
  ]);
  await replayFromTime(context, whole);
}

async function replayFromTime(context: TourContext, whole: OrderReplay): Promise<void> {
  const { generator, report } = context;
  const fromSequence = Math.floor(generator.eventCount * TIME_FRACTION);
  const fromMs = whole.timesMs.get(fromSequence);
  if (fromMs === undefined) {
    report.check("replay from a time", [`event ${fromSequence} was not replayed`]);
    return;
  }
  const part = await replayOrders(context, fromMs);
  const expected = [...whole.timesMs].filter(([, timeMs]) => timeMs >= fromMs);
  const missing = expected
    .filter(([sequence]) => !part.timesMs.has(sequence))
    .map(([sequence]) => `event ${sequence} is missing`);
  report.check(
    `from ${new Date(fromMs).toISOString()}: exactly the ${formatCount(expected.length)} records since then`,
    [
      ...part.fold.faults,
      ...part.misplaced,
      ...missing,
      ...countDifference(expected.length, part.fold.eventCount),
    ],
  );
}

async function replayOrders(
  context: TourContext,
  fromMs: number | undefined,
): Promise<OrderReplay> {
  const { acks, client, plan, report, signal } = context;
  const fold = new OrderFold(fromMs);
  const misplaced: string[] = [];
  const timesMs = new Map<number, number>();
  for await (const { partition, offset, value } of client.replay(plan.ordersTopic, fromMs)) {
    signal.throwIfAborted();
    const event = decodeOrderEvent(value);
    fold.apply(event);
    timesMs.set(event.sequence, event.timeMs);
    const ack = acks.entry(event.sequence);
    if (ack?.partition !== partition || ack.offset !== offset) {
      const where = ack === undefined ? "nowhere" : `${ack.partition}@${ack.offset}`;
      misplaced.push(`event ${event.sequence}: at ${partition}@${offset}, acknowledged ${where}`);
    }
    if (fold.eventCount % 5000 === 0) {
      report.progress(`${formatCount(fold.eventCount)} records replayed`);
    }
  }
  return { fold, misplaced, timesMs };
}

function countDifference(expected: number, actual: number): string[] {
  return expected === actual ? [] : [`${actual} records instead of ${expected}`];
}
