import { type BrokerId, present, type Random } from "@stratalog/base";
import type { PeerDownReason, PeerMessageKind, SendResult } from "@stratalog/raft-host";
import type { SimKernel } from "../kernel/sim-kernel.ts";
import { SimConnection, type SimMessage } from "./sim-connection.ts";
import type { SimPeerLink } from "./sim-peer-link.ts";

/** How the simulated network behaves. */
export interface SimNetworkOptions {
  /** Time that a message takes: at least the first, at most the second. */
  readonly latencyMs?: readonly [minimum: number, maximum: number];
  /** Bytes on their way per lane beyond which `send` answers `full`. */
  readonly laneBytesMax?: number;
  /** Silence after which a connection is given up. */
  readonly silentMs?: number;
  readonly redialMs?: number;
}

/** Sees every message when it is sent; a door for checks. */
export type WireTap = (from: BrokerId, to: BrokerId, kind: number, payload: Uint8Array) => void;

/**
 * The network between simulated brokers. Connections behave like TCP: messages arrive in order per
 * lane or the connection breaks; a cut path holds messages back until it is whole again or the
 * silence has lasted too long.
 */
export class SimNetwork {
  readonly kernel: SimKernel;
  readonly #random: Random;
  readonly #latencyMs: readonly [number, number];
  readonly #laneBytesMax: number;
  readonly #silentMs: number;
  readonly #redialMs: number;
  readonly #links = new Map<number, SimPeerLink>();
  readonly #connections = new Map<string, SimConnection>();
  readonly #cuts = new Map<string, number>();
  tap: WireTap | undefined;

  constructor(kernel: SimKernel, options: SimNetworkOptions = {}) {
    this.kernel = kernel;
    this.#random = kernel.random.fork("network");
    this.#latencyMs = options.latencyMs ?? [0.2, 3];
    this.#laneBytesMax = options.laneBytesMax ?? 8 * 1024 * 1024;
    this.#silentMs = options.silentMs ?? 3000;
    this.#redialMs = options.redialMs ?? 100;
  }

  /** A process begins to listen and to dial everybody it knows of. */
  attach(link: SimPeerLink): void {
    const self = link.node.id;
    this.#links.set(self, link);
    // Whoever was dialling before is let in now, without waiting for its next attempt.
    for (const other of this.#links.values()) if (other !== link) this.dial(other.node.id, self);
  }

  /** A process is gone: whoever is connected to it finds out. */
  detach(link: SimPeerLink): void {
    const self = link.node.id;
    if (this.#links.get(self) === link) this.#links.delete(self);
    for (const connection of this.#connections.values()) {
      if (connection.from === self) connection.break();
      else if (connection.to === self && connection.state === "up") this.#tellGone(connection);
    }
  }

  /** The path from one broker to another carries nothing any more. */
  cut(from: number, to: number): void {
    const key = keyOf(from, to);
    if (this.#cuts.has(key)) return;
    const cutAtMs = this.kernel.monotonicMs();
    this.#cuts.set(key, cutAtMs);
    this.kernel.schedule(this.#silentMs, () => {
      if (this.#cuts.get(key) !== cutAtMs) return;
      this.#end(this.#connection(from, to), "silent");
      this.#end(this.#connection(to, from), "silent");
    });
  }

  /** All paths carry messages again, first those that were held back. */
  heal(): void {
    this.#cuts.clear();
    for (const connection of this.#connections.values()) {
      const held = connection.held;
      connection.held = [];
      for (const message of held) this.#arriveLater(connection, message);
    }
  }

  /** The connection that `from` dialled to `to` breaks; what is on its way is lost. */
  breakConnection(from: number, to: number): void {
    this.#end(this.#connection(from, to), "closed");
  }

  isUp(from: number, to: number): boolean {
    return this.#connection(from, to).state === "up";
  }

  send(from: SimPeerLink, to: BrokerId, message: SimMessage): SendResult {
    const connection = this.#connection(from.node.id, to);
    if (connection.state === "down") return "down";
    const lane = connection.lane(message.lane);
    const bytes = message.payload.length;
    if (lane.bytesInFlight > 0 && lane.bytesInFlight + bytes > this.#laneBytesMax) {
      lane.isBlocked = true;
      return "full";
    }
    lane.bytesInFlight += bytes;
    this.tap?.(from.broker, to, message.kind, message.payload);
    if (this.#isCut(connection)) connection.held.push(message);
    else this.#arriveLater(connection, message);
    return "sent";
  }

  /** Tries to connect; again and again while both ends know each other. */
  dial(from: number, to: number): void {
    const link = this.#links.get(from);
    const connection = this.#connection(from, to);
    if (link === undefined || !link.knows(to) || connection.state === "up") return;
    const attempt = ++connection.attempt;
    link.node.schedule(this.#latency() * 2, () => {
      if (connection.attempt === attempt && connection.state === "down") {
        this.#finishDial(link, connection);
      }
    });
  }

  #finishDial(link: SimPeerLink, connection: SimConnection): void {
    const target = this.#links.get(connection.to);
    const isReachable =
      !this.#isCut(connection) && !this.#cuts.has(keyOf(connection.to, connection.from));
    if (isReachable && target !== undefined && target.node.state === "running") {
      const [refusal, welcome] = [target.check(link.hello), link.check(target.hello)];
      if (refusal === undefined && welcome === undefined) {
        connection.open();
        link.handleUp(target);
        return;
      }
      link.handleDown(connection.to, "rejected");
    } else if (isReachable && target === undefined) {
      link.handleDown(connection.to, "refused");
    }
    // A paused or unreachable peer does not answer at all.
    this.#redial(link, connection);
  }

  #redial(link: SimPeerLink, connection: SimConnection): void {
    const { attempt } = connection;
    link.node.schedule(this.#redialMs, () => {
      if (connection.attempt === attempt) this.dial(connection.from, connection.to);
    });
  }

  /** Ends a connection that is up; the dialling side learns the reason and dials again. */
  #end(connection: SimConnection, reason: PeerDownReason): void {
    if (connection.state === "down") return;
    connection.break();
    const link = this.#links.get(connection.from);
    if (link === undefined) return;
    const { epoch } = connection;
    link.node.schedule(this.#latency(), () => {
      if (connection.epoch !== epoch) return;
      link.handleDown(connection.to, reason);
      this.dial(connection.from, connection.to);
    });
  }

  /**
   * The far end's process died. Its kernel says so, unless nothing gets through: then silence will.
   */
  #tellGone(connection: SimConnection): void {
    if (!this.#cuts.has(keyOf(connection.to, connection.from))) {
      this.#end(connection, "closed");
      return;
    }
    const { epoch } = connection;
    this.kernel.schedule(this.#silentMs, () => {
      if (connection.epoch === epoch) this.#end(connection, "silent");
    });
  }

  #arriveLater(connection: SimConnection, message: SimMessage): void {
    const lane = connection.lane(message.lane);
    const nowMs = this.kernel.monotonicMs();
    lane.lastArrivalMs = Math.max(lane.lastArrivalMs + 0.000_1, nowMs + this.#latency());
    const { epoch } = connection;
    this.kernel.schedule(lane.lastArrivalMs - nowMs, () => {
      if (connection.epoch !== epoch) return;
      if (this.#isCut(connection)) connection.held.push(message);
      else this.#arrive(connection, message);
    });
  }

  #arrive(connection: SimConnection, { lane, kind, payload }: SimMessage): void {
    const state = connection.lane(lane);
    state.bytesInFlight -= payload.length;
    if (state.isBlocked && state.bytesInFlight <= this.#laneBytesMax / 2) {
      state.isBlocked = false;
      this.#links.get(connection.from)?.handleDrained(connection.to, lane);
    }
    const from = this.#links.get(connection.from)?.broker;
    const target = this.#links.get(connection.to);
    if (target === undefined || from === undefined) return;
    // Only peers of this network send, so every kind is one of theirs.
    target.handleMessage(from, lane, kind as PeerMessageKind, payload);
  }

  #isCut({ from, to }: SimConnection): boolean {
    return this.#cuts.has(keyOf(from, to));
  }

  #connection(from: number, to: number): SimConnection {
    const key = keyOf(from, to);
    if (!this.#connections.has(key)) this.#connections.set(key, new SimConnection(from, to));
    return present(this.#connections.get(key), "connection");
  }

  #latency(): number {
    const [minimum, maximum] = this.#latencyMs;
    return minimum + this.#random.fraction() * (maximum - minimum);
  }
}

function keyOf(from: number, to: number): string {
  return `${from} ${to}`;
}
