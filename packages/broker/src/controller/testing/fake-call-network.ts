import { type BrokerId, CodedError, type Timers } from "@stratalog/base";
import type { Calls } from "../peer-calls.ts";

type Handler = (from: BrokerId, body: Uint8Array) => Promise<Uint8Array>;

/**
 * Calls between brokers of one process: each way takes a millisecond; brokers can be down or cut
 * off.
 */
export class FakeCallNetwork {
  readonly #timers: Timers;
  readonly #handlers = new Map<BrokerId, Map<string, Handler>>();
  readonly #down = new Set<BrokerId>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** A broker's end. A second one replaces the first, as a restart does. */
  calls(self: BrokerId): Calls {
    const own = new Map<string, Handler>();
    this.#handlers.set(self, own);
    return {
      handle: (method, handler) => own.set(method, handler),
      call: (peer, method, body, { timeoutMs }) => {
        return this.#call({ self, peer, method, timeoutMs }, body);
      },
    };
  }

  /** Nobody reaches the broker any more, and it reaches nobody. */
  take(broker: BrokerId): void {
    this.#down.add(broker);
  }

  bringBack(broker: BrokerId): void {
    this.#down.delete(broker);
  }

  #call(
    call: { self: BrokerId; peer: BrokerId; method: string; timeoutMs: number },
    body: Uint8Array,
  ): Promise<Uint8Array> {
    const { self, peer, method, timeoutMs } = call;
    const isUp = !this.#down.has(self) && !this.#down.has(peer);
    const handler = this.#handlers.get(peer)?.get(method);
    if (!isUp || handler === undefined) {
      return Promise.reject(new CodedError("BROKER_NOT_AVAILABLE", `broker ${peer} is away`));
    }
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(timeoutMs, () => {
        reject(new CodedError("REQUEST_TIMED_OUT", `broker ${peer} did not answer ${method}`));
      });
      const back = (deliver: () => void): void => {
        this.#timers.after(1, () => {
          if (this.#down.has(self) || this.#down.has(peer)) return;
          timer.cancel();
          deliver();
        });
      };
      this.#timers.after(1, () => {
        if (this.#down.has(peer)) return;
        handler(self, body).then(
          (answer) => back(() => resolve(answer)),
          (error: unknown) => back(() => reject(CodedError.from(error))),
        );
      });
    });
  }
}
