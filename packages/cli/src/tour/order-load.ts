import { encodeUtf8, sleep } from "@stratalog/base";
import { encodeOrderEvent } from "../orders/order-event.ts";
import { SendWindow } from "./send-window.ts";
import type { TourContext } from "./tour-context.ts";

const TICK_MS = 10;

/** Sends the generator's events in their order and keeps the acknowledgements. */
export class OrderLoad {
  readonly #context: TourContext;
  readonly #window: SendWindow;

  constructor(context: TourContext) {
    this.#context = context;
    this.#window = new SendWindow(context);
  }

  /** Sends events as fast as acknowledgements come, until `count` were generated in all. */
  async sendUpTo(count: number, onProgress: (acked: number) => void): Promise<void> {
    const { generator, acks } = this.#context;
    while (generator.eventCount < count) {
      const batchCount = Math.min(this.#window.room, count - generator.eventCount);
      for (let i = 0; i < batchCount; i++) this.#send();
      onProgress(acks.count);
      await this.#window.breathe();
    }
    await this.#window.settle(() => onProgress(acks.count));
  }

  /** Sends at a steady rate, without waiting for acknowledgements, until `isDone`. */
  async sendPaced(perSecond: number, isDone: () => boolean): Promise<void> {
    const { clock, timers, signal } = this.#context;
    const startMs = clock.monotonicMs();
    let sentCount = 0;
    while (!isDone()) {
      const dueCount = Math.floor(((clock.monotonicMs() - startMs) * perSecond) / 1000);
      for (; sentCount < dueCount && this.#window.room > 0; sentCount++) this.#send();
      await sleep(timers, TICK_MS, signal);
      this.#window.throwFailure();
    }
  }

  /** Resolves when every send has its acknowledgement. */
  settle(): Promise<void> {
    return this.#window.settle();
  }

  #send(): void {
    const { generator, acks, clock, plan } = this.#context;
    const event = generator.next();
    const write = {
      topic: plan.ordersTopic,
      key: encodeUtf8(event.orderId),
      value: encodeOrderEvent(event),
      timestampMs: event.timeMs,
    };
    this.#window.send(write, (ack) => acks.note(event.sequence, ack, clock.monotonicMs()));
  }
}
