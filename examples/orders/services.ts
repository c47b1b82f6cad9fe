import { type Consumer, string, type Stratalog } from "@stratalog/client";
import { ORDERS, type OrderEvent, orderEvent } from "./events.ts";

/** A service: a consumer group that answers one kind of event with another. */
export interface Service {
  readonly consumer: Consumer<string, OrderEvent>;
  /** Resolves when the consumer is closed; rejects with what no retry and no dead letter covers. */
  readonly running: Promise<void>;
}

/**
 * Starts a service. Different orders are worked on at the same time, one order's events one after
 * the other. A handler that throws is called again, three times in all; then the event becomes a
 * dead letter in "orders.dlq" and the others go on. An event is done when its answer is stored.
 */
function startService(
  log: Stratalog,
  group: string,
  answer: (order: string, event: OrderEvent) => OrderEvent | undefined,
): Service {
  const producer = log.producer({ key: string, value: orderEvent });
  const consumer = log.consumer({
    group,
    topics: [ORDERS],
    fromBeginning: true,
    key: string,
    value: orderEvent,
  });
  const running = consumer.run({
    concurrency: 16,
    orderBy: "key",
    retry: { attempts: 3, backoffMs: 20 },
    deadLetter: true,
    handler: async ({ key, value }) => {
      if (key === null || value === null) return;
      const next = answer(key, value);
      if (next !== undefined) await producer.send({ topic: ORDERS, key, value: next });
    },
  });
  return { consumer, running };
}

/** Takes placed orders from stock; what is not on the shelf is an error, not an event. */
export function startStock(log: Stratalog, shelf: Map<string, number>): Service {
  const reserved = new Set<string>();
  return startService(log, "stock", (order, event) => {
    if (event.type !== "placed") return undefined;
    const left = shelf.get(event.item) ?? 0;
    // Asked again after a crash, it takes nothing twice.
    if (!reserved.has(order) && left === 0) throw new Error(`there is no ${event.item}`);
    if (!reserved.has(order)) shelf.set(event.item, left - 1);
    reserved.add(order);
    return { type: "reserved" };
  });
}

/** Charges for orders whose goods are reserved, through a bank whose line is bad at times. */
export function startPayment(log: Stratalog, bank: { charge(order: string): number }): Service {
  return startService(log, "payment", (order, event) => {
    if (event.type !== "reserved") return undefined;
    return { type: "paid", price: bank.charge(order) };
  });
}

/** Writes to customers whose orders are paid. */
export function startNotification(log: Stratalog, outbox: Set<string>): Service {
  return startService(log, "notification", (order, event) => {
    if (event.type !== "paid") return undefined;
    outbox.add(order);
    return { type: "notified" };
  });
}
