import type { Socket } from "node:net";
import type { Random, Timer, Timers } from "@stratalog/base";
import type { Http2Session } from "./http2-window.ts";

/** Bounds of a listener's connections. */
export interface ConnectionLimits {
  /** Connections at once; more are closed as they come. */
  readonly connections: number;
  /** Connections at once from one address. */
  readonly connectionsPerAddress: number;
  /** Time for a connection to encrypt, and again to show that it speaks HTTP/2. */
  readonly handshakeMs: number;
  /** Age, give or take a tenth, at which a connection takes no more calls; 0: never. */
  readonly ageMs: number;
  /** Time that its calls then have to end. */
  readonly ageGraceMs: number;
}

/** Connections of one moment do not all end in one. */
const AGE_JITTER = 0.1;

/** Counts a listener's connections, turns away those above the bounds and those that say nothing. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #windowBytes: number;
  readonly #onOld: (session: object) => void;
  /** Connections by address; as many entries as connections at most. */
  readonly #byAddress = new Map<string, number>();
  #count = 0;
  #refusedCount = 0;

  constructor(options: {
    readonly limits: ConnectionLimits;
    readonly timers: Timers;
    readonly random: Random;
    /** A connection has reached its age: its calls are to end. */
    readonly onOld: (session: object) => void;
    /** Receive window of a connection, see Http2Settings. */
    readonly windowBytes: number;
  }) {
    this.#limits = options.limits;
    this.#timers = options.timers;
    this.#random = options.random;
    this.#onOld = options.onOld;
    this.#windowBytes = options.windowBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Connections turned away since the start: above a bound, or no HTTP/2 in time. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Whether one more may come in; it is counted until it closes. */
  admit(socket: Socket): boolean {
    const { connections, connectionsPerAddress } = this.#limits;
    const address = addressOf(socket);
    const sameCount = this.#byAddress.get(address) ?? 0;
    if (this.#count >= connections || sameCount >= connectionsPerAddress) {
      this.#refusedCount++;
      return false;
    }
    this.#count++;
    this.#byAddress.set(address, sameCount + 1);
    socket.once("close", () => this.#forget(address));
    return true;
  }

  /** Takes over a connection that was admitted and may speak HTTP/2. */
  add(session: Http2Session): void {
    // A connection may be gone before its turn comes; its window is then no more to be set.
    if (session.destroyed) return;
    session.setLocalWindowSize(this.#windowBytes);
    const timer = this.#timers.after(this.#limits.handshakeMs, () => {
      this.#refusedCount++;
      session.destroy();
    });
    // The other side acknowledged our settings: it speaks HTTP/2.
    session.once("localSettings", () => timer.cancel());
    session.once("close", () => timer.cancel());
    this.#watchAge(session);
  }

  /**
   * A connection that lives for ever keeps to the broker that it found first, and to a certificate
   * that has run out.
   */
  #watchAge(session: Http2Session): void {
    const { ageMs, ageGraceMs } = this.#limits;
    if (ageMs === 0) return;
    const jitter = AGE_JITTER * (2 * this.#random.fraction() - 1);
    let timer: Timer = this.#timers.after(Math.round(ageMs * (1 + jitter)), () => {
      timer = this.#timers.after(ageGraceMs, () => session.destroy());
      session.close();
      this.#onOld(session);
    });
    session.once("close", () => timer.cancel());
  }

  #forget(address: string): void {
    this.#count--;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
  }
}

/** The other side's address; one address whether it comes by IPv4 or by IPv4 inside IPv6. */
function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
}
