import { json } from "@stratalog/client";

/** Everything that happens to an order, in one topic, keyed by the order's number. */
export type OrderEvent =
  | { readonly type: "placed"; readonly item: string; readonly price: number }
  | { readonly type: "reserved" }
  | { readonly type: "paid"; readonly price: number }
  | { readonly type: "notified" };

/** Name of the topic. */
export const ORDERS = "orders";

/** How an order's event is stored; give a validator (zod, valibot, arktype) to have it checked. */
export const orderEvent = json<OrderEvent>();

/** What the read model knows of an order. */
export interface Order {
  readonly item: string;
  readonly price: number;
  readonly status: OrderEvent["type"];
}

/**
 * The next state of an order. Events may come twice (handlers are called again after a crash): a
 * step back changes nothing, so that once is as good as twice.
 */
export function applyEvent(order: Order | undefined, event: OrderEvent): Order | undefined {
  if (event.type === "placed") return order ?? { ...event, status: "placed" };
  if (order === undefined || STEPS[event.type] <= STEPS[order.status]) return order;
  return { ...order, status: event.type };
}

const STEPS: Readonly<Record<OrderEvent["type"], number>> = {
  placed: 0,
  reserved: 1,
  paid: 2,
  notified: 3,
};
