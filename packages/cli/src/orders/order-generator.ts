import { assert, present, type Random, SeededRandom } from "@stratalog/base";
import { ORDER_EVENT_TYPES, type OrderEvent } from "./order-event.ts";
import type { OrderState } from "./order-state.ts";

const OPEN_ORDERS_MAX = 2000;
const FIRST_EVENT_MS = Date.UTC(2026, 0, 1);
const STEP_MS_MAX = 400;

/** An order that still has events to come. */
interface OpenOrder {
  readonly orderId: string;
  state: OrderState;
}

/**
 * An endless stream of order events, the same for the same seed: about 2,000 orders are open at any
 * time, and each event is one of them going a step further. The generator keeps the state of each
 * order itself, without folding events, so that it can be the oracle of a replay.
 */
export class OrderGenerator {
  readonly #random: Random;
  readonly #open: OpenOrder[] = [];
  readonly #orders = new Map<string, OrderState>();
  #sequence = 0;
  #timeMs = FIRST_EVENT_MS;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** State of every order after the events so far. */
  get orders(): ReadonlyMap<string, OrderState> {
    return this.#orders;
  }

  /** Number of events so far. */
  get eventCount(): number {
    return this.#sequence;
  }

  /** Makes the next event happen. */
  next(): OrderEvent {
    this.#timeMs += this.#random.below(STEP_MS_MAX);
    const isFull = this.#open.length === OPEN_ORDERS_MAX;
    const isNew = this.#open.length === 0 || (!isFull && this.#random.below(4) === 0);
    const event = isNew ? this.#place() : this.#advance();
    this.#sequence += 1;
    return event;
  }

  #place(): OrderEvent {
    const orderId = `order-${String(this.#orders.size + 1).padStart(6, "0")}`;
    const amountCents = 199 + this.#random.below(50_000);
    const customer = `customer-${this.#random.below(5000)}`;
    const state: OrderState = {
      status: "OrderPlaced",
      orderedCents: amountCents,
      paidCents: 0,
      customer,
      eventCount: 1,
      updatedMs: this.#timeMs,
      lastSequence: this.#sequence,
    };
    this.#open.push({ orderId, state });
    this.#orders.set(orderId, state);
    return this.#event("OrderPlaced", { orderId, amountCents, actor: customer });
  }

  #advance(): OrderEvent {
    const index = this.#random.below(this.#open.length);
    const order = present(this.#open[index], "open order");
    const type = present(
      ORDER_EVENT_TYPES[ORDER_EVENT_TYPES.indexOf(order.state.status) + 1],
      "an open order's next step",
    );
    const amountCents = type === "OrderPaid" ? order.state.orderedCents : 0;
    order.state = {
      ...order.state,
      status: type,
      paidCents: order.state.paidCents + amountCents,
      eventCount: order.state.eventCount + 1,
      updatedMs: this.#timeMs,
      lastSequence: this.#sequence,
    };
    this.#orders.set(order.orderId, order.state);
    if (type === "CustomerNotified") this.#close(index);
    const actor = `${type === "OrderPaid" ? "bank" : "site"}-${this.#random.below(20)}`;
    return this.#event(type, { orderId: order.orderId, amountCents, actor });
  }

  /** Takes a finished order out; which one fills its place does not matter. */
  #close(index: number): void {
    const last = this.#open.pop();
    assert(last !== undefined, "an order was open");
    if (index < this.#open.length) this.#open[index] = last;
  }

  #event(
    type: OrderEvent["type"],
    rest: Pick<OrderEvent, "orderId" | "amountCents" | "actor">,
  ): OrderEvent {
    const { orderId, amountCents, actor } = rest;
    return { type, orderId, sequence: this.#sequence, timeMs: this.#timeMs, amountCents, actor };
  }
}
