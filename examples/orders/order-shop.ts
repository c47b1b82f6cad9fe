// The order workflow: order placed -> stock -> payment -> notification. Read it from `runShop` on.
import {
  type MaterializedView,
  originalHeaders,
  readDeadLetter,
  type SnapshotStore,
  string,
  type Stratalog,
} from "@stratalog/client";
import { applyEvent, type Order, type OrderEvent, orderEvent, ORDERS } from "./events.ts";
import { startNotification, startPayment, startStock } from "./services.ts";

/** The orders as they stand: a fold of the topic, resumed from the last snapshot. */
export type OrderView = MaterializedView<Order, Uint8Array, OrderEvent>;

/** Rebuilds the read model; without a store, or with an empty one, from the very first event. */
export function readOrders(log: Stratalog, store?: SnapshotStore): Promise<OrderView> {
  return log.materialize<Order, Uint8Array, OrderEvent>({
    topic: ORDERS,
    value: orderEvent,
    fold: (order, { value }) => (value === null ? order : applyEvent(order, value)),
    ...(store === undefined ? {} : { store }),
  });
}

/** Sends dead letters back to where they came from; `strata dlq redrive orders.dlq` does the same. */
export async function redrive(log: Stratalog): Promise<number> {
  await using producer = log.producer();
  let count = 0;
  for await (const record of log.replay({ topic: `${ORDERS}.dlq` })) {
    const origin = readDeadLetter(record.headers);
    if (origin === undefined) continue;
    await producer.send({
      topic: origin.topic,
      partition: origin.partition,
      key: record.key,
      value: record.value,
      headers: originalHeaders(record.headers),
    });
    count++;
  }
  return count;
}

/** What became of the shop's orders. */
export interface ShopReport {
  readonly deadLetterReason: string;
  readonly redriven: number;
  readonly bankCalls: number;
  readonly notified: number;
}

/** Places orders, one of them for something that is not in stock, and sees all of them through. */
export async function runShop(log: Stratalog, orderCount: number): Promise<ShopReport> {
  await log.admin().createTopic({ name: ORDERS, partitions: 3 });
  const shelf = new Map([["book", orderCount]]);
  const bank = new BankWithABadLine();
  const outbox = new Set<string>();
  const services = [
    startStock(log, shelf),
    startPayment(log, bank),
    startNotification(log, outbox),
  ];

  // Orders come in. One is for a unicorn: stock fails three times, and the others do not wait.
  const producer = log.producer({ key: string, value: orderEvent });
  for (let number = 1; number <= orderCount; number++) {
    const item = number === 3 ? "unicorn" : "book";
    const placed: OrderEvent = { type: "placed", item, price: number };
    await producer.send({ topic: ORDERS, key: `order-${number}`, value: placed });
  }
  const view = await readOrders(log);
  const isNotified = (order: Order): boolean => order.status === "notified";
  const notifiedCount = (): number => [...view].filter(([, order]) => isNotified(order)).length;
  while (notifiedCount() < orderCount - 1) await view.refresh();

  // The poison message waits in the dead-letter topic with its story. A unicorn arrives; redrive.
  let deadLetterReason = "";
  while (deadLetterReason === "") {
    for await (const { headers } of log.replay({ topic: `${ORDERS}.dlq` })) {
      deadLetterReason = readDeadLetter(headers)?.error ?? "";
    }
  }
  shelf.set("unicorn", 1);
  const redriven = await redrive(log);
  while (notifiedCount() < orderCount) await view.refresh();

  await Promise.all(services.map(({ consumer }) => consumer.close()));
  await Promise.all(services.map(({ running }) => running));
  return { deadLetterReason, redriven, bankCalls: bank.calls, notified: outbox.size };
}

/**
 * The line to the bank breaks at every third call, but once for an order: were a retry to break as
 * well, the third in a row would make a dead letter of an order that the shop waits for. Charging
 * an order twice charges it once.
 */
class BankWithABadLine {
  readonly #charged = new Map<string, number>();
  readonly #broken = new Set<string>();
  calls = 0;

  charge(order: string): number {
    if (++this.calls % 3 === 0 && !this.#broken.has(order)) {
      this.#broken.add(order);
      throw new Error("the line to the bank broke");
    }
    const price = this.#charged.get(order) ?? 10;
    this.#charged.set(order, price);
    return price;
  }
}
