import { ORDER_EVENT_TYPES, type OrderEvent } from "./order-event.ts";
import type { Orders, OrderState } from "./order-state.ts";

/**
 * Rebuilds orders from their events, in the order in which a replay gives them. Only the order of
 * each key counts, so partitions may be interleaved in any way. A step that is missing, doubled or
 * out of order is a fault, not a state.
 */
export class OrderFold {
  readonly #orders = new Map<string, OrderState>();
  readonly #faults: string[] = [];
  readonly #fromMs: number;
  #eventCount = 0;

  /** Events before `fromMs` are known to be missing: an order may begin with any of its steps. */
  constructor(fromMs = Number.NEGATIVE_INFINITY) {
    this.#fromMs = fromMs;
  }

  get orders(): Orders {
    return this.#orders;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  /** Events that cannot follow what came before; the first hundred. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  apply(event: OrderEvent): void {
    this.#eventCount += 1;
    const before = this.#orders.get(event.orderId);
    const fault = this.#faultOf(event, before);
    if (fault !== undefined && this.#faults.length < 100) this.#faults.push(fault);
    this.#orders.set(event.orderId, {
      status: event.type,
      orderedCents: event.type === "OrderPlaced" ? event.amountCents : (before?.orderedCents ?? 0),
      paidCents: (before?.paidCents ?? 0) + (event.type === "OrderPaid" ? event.amountCents : 0),
      customer: event.type === "OrderPlaced" ? event.actor : (before?.customer ?? ""),
      eventCount: (before?.eventCount ?? 0) + 1,
      updatedMs: event.timeMs,
      lastSequence: event.sequence,
    });
  }

  #faultOf(event: OrderEvent, before: OrderState | undefined): string | undefined {
    const step = ORDER_EVENT_TYPES.indexOf(event.type);
    if (event.timeMs < this.#fromMs) return `event ${event.sequence} is older than asked for`;
    if (before === undefined) {
      const mayBeginAnywhere = this.#fromMs !== Number.NEGATIVE_INFINITY;
      if (step === 0 || mayBeginAnywhere) return undefined;
      return `${event.orderId} begins with ${event.type} (event ${event.sequence})`;
    }
    if (step === ORDER_EVENT_TYPES.indexOf(before.status) + 1) return undefined;
    return `${event.orderId}: ${event.type} (event ${event.sequence}) follows ${before.status}`;
  }
}
