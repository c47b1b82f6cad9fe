import type { Timers } from "@stratalog/base";
import type { Http2Session } from "./http2-window.ts";

/** Bounds of a listener's connections. */
export interface ConnectionLimits {
  /** Connections at once; more are closed as they come. */
  readonly connections: number;
  /** Time for a connection to show that it speaks HTTP/2. */
  readonly handshakeMs: number;
}

/** Counts a listener's connections, turns away those above the bound and those that say nothing. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #timers: Timers;
  readonly #windowBytes: number;
  #count = 0;
  #refusedCount = 0;

  constructor(options: {
    readonly limits: ConnectionLimits;
    readonly timers: Timers;
    /** Receive window of a connection, see Http2Settings. */
    readonly windowBytes: number;
  }) {
    this.#limits = options.limits;
    this.#timers = options.timers;
    this.#windowBytes = options.windowBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Connections turned away since the start: above the bound, or no HTTP/2 in time. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Whether one more may come in. */
  admit(): boolean {
    if (this.#count < this.#limits.connections) return true;
    this.#refusedCount++;
    return false;
  }

  /** Takes over a connection that was admitted. */
  add(session: Http2Session): void {
    // A connection may be gone before its turn comes; its window is then no more to be set.
    if (session.destroyed) return;
    this.#count++;
    session.setLocalWindowSize(this.#windowBytes);
    const timer = this.#timers.after(this.#limits.handshakeMs, () => {
      this.#refusedCount++;
      session.destroy();
    });
    // The other side acknowledged our settings: it speaks HTTP/2.
    session.once("localSettings", () => timer.cancel());
    session.once("close", () => {
      timer.cancel();
      this.#count--;
    });
  }
}
