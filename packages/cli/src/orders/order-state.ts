import type { OrderEventType } from "./order-event.ts";

/** What is known about one order. */
export interface OrderState {
  readonly status: OrderEventType;
  readonly orderedCents: number;
  readonly paidCents: number;
  readonly customer: string;
  readonly eventCount: number;
  readonly updatedMs: number;
  /** Sequence of its last event. */
  readonly lastSequence: number;
}

/** All orders by id. */
export type Orders = ReadonlyMap<string, OrderState>;

/** How one order differs; `undefined` where a side does not have it. */
export interface OrderDifference {
  readonly orderId: string;
  readonly expected: OrderState | undefined;
  readonly actual: OrderState | undefined;
}

const FIELDS = [
  "status",
  "orderedCents",
  "paidCents",
  "customer",
  "eventCount",
  "updatedMs",
  "lastSequence",
] as const satisfies readonly (keyof OrderState)[];

function isEqual(a: OrderState, b: OrderState): boolean {
  return FIELDS.every((field) => a[field] === b[field]);
}

/** Every order that is not the same on both sides, by id. */
export function orderDifferences(expected: Orders, actual: Orders): OrderDifference[] {
  const ids = [...new Set([...expected.keys(), ...actual.keys()])].toSorted();
  return ids.flatMap((orderId): OrderDifference[] => {
    const left = expected.get(orderId);
    const right = actual.get(orderId);
    if (left !== undefined && right !== undefined && isEqual(left, right)) return [];
    return [{ orderId, expected: left, actual: right }];
  });
}
