import { CodedError, decodeJson, encodeJson, shape } from "@stratalog/base";

/** What may happen to an order, in the order in which it happens. */
export const ORDER_EVENT_TYPES = [
  "OrderPlaced",
  "StockReserved",
  "OrderPaid",
  "OrderShipped",
  "CustomerNotified",
] as const;

/** One of the five. */
export type OrderEventType = (typeof ORDER_EVENT_TYPES)[number];

/** One event of one order, as it travels in a record keyed by `orderId`. */
export interface OrderEvent {
  readonly type: OrderEventType;
  readonly orderId: string;
  /** Position among all events of the generator, from 0. */
  readonly sequence: number;
  /** When it happened, milliseconds since 1970; never before the event ahead of it. */
  readonly timeMs: number;
  /** Placed: what is bought. Paid: what was paid. 0 for the others. */
  readonly amountCents: number;
  /** Who or what acted: customer, warehouse, payment, parcel or channel. */
  readonly actor: string;
}

const orderEvent = shape.object({
  type: shape.oneOf(ORDER_EVENT_TYPES),
  orderId: shape.text,
  sequence: shape.integer(0),
  timeMs: shape.integer(0),
  amountCents: shape.integer(0),
  actor: shape.text,
});

/** The event as a record's value. */
export function encodeOrderEvent(event: OrderEvent): Uint8Array {
  return encodeJson(event);
}

/** Reads a record's value. Errors: SERDE_FAILED when it is not an order event. */
export function decodeOrderEvent(value: Uint8Array): OrderEvent {
  const decoded = decodeJson(value, orderEvent);
  if (decoded.ok) return decoded.value;
  throw new CodedError("SERDE_FAILED", `a record holds no order event: ${decoded.reason}`);
}
