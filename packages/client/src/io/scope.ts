import { CodedError, type Timer, type Timers } from "@stratalog/base";
import { onAbort } from "./abort-watch.ts";

/**
 * The life of a client, producer or consumer: everything that waits inside it ends when it closes,
 * with CLOSED, and when the caller's own signal aborts, with ABORTED.
 */
export class Scope {
  readonly #what: string;
  readonly #timers: Timers;
  readonly #controller = new AbortController();
  readonly #unlink: (() => void) | undefined;

  constructor(what: string, timers: Timers, parent?: Scope) {
    this.#what = what;
    this.#timers = timers;
    this.#unlink = parent?.onClose(() => this.close());
    if (parent?.isClosed === true) this.close();
  }

  /** Aborts at close. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves at close. */
  get closed(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.onClose(resolve);
    });
  }

  /** Calls back once at close; gives a function that forgets the callback. */
  onClose(callback: () => void): () => void {
    return onAbort(this.signal, callback);
  }

  get isClosed(): boolean {
    return this.#controller.signal.aborted;
  }

  close(): void {
    if (this.isClosed) return;
    this.#unlink?.();
    this.#controller.abort(this.closedError());
  }

  closedError(): CodedError {
    return new CodedError("CLOSED", `the ${this.#what} was closed`);
  }

  /** Throws CLOSED or ABORTED when there is no point in going on. */
  check(signal?: AbortSignal): void {
    if (this.isClosed) throw this.closedError();
    if (signal?.aborted === true) throw abortedError(signal);
  }

  /** Waits; rejects as soon as the scope closes or the signal aborts. Leaves no timer behind. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    let timer: Timer | undefined;
    const elapsed = new Promise<void>((resolve) => {
      timer = this.#timers.after(delayMs, resolve);
    });
    return this.race(elapsed, signal).finally(() => timer?.cancel());
  }

  /** The outcome of a promise, or a rejection as soon as the scope closes or the signal aborts. */
  race<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const end = (): void => {
        stop();
        reject(this.isClosed ? this.closedError() : abortedError(signal));
      };
      const forgetClose = this.onClose(end);
      const forgetAbort = signal === undefined ? undefined : onAbort(signal, end);
      const stop = (): void => {
        forgetClose();
        forgetAbort?.();
      };
      promise.then(
        (value) => {
          stop();
          resolve(value);
        },
        (error: unknown) => {
          stop();
          reject(error);
        },
      );
      if (this.isClosed || signal?.aborted === true) end();
    });
  }
}

function abortedError(signal: AbortSignal | undefined): CodedError {
  return new CodedError("ABORTED", "the caller's signal aborted the call", {
    cause: signal?.reason,
  });
}
