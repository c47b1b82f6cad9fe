import type { Socket } from "node:net";
import { assert, type BrokerId, CodedError, present, type Timer } from "@stratalog/base";
import {
  type Lane,
  LANES,
  type PeerAddress,
  type PeerHandler,
  type PeerHello,
  type PeerLink,
  type PeerMessageKind,
  type SendResult,
} from "../ports/peer-link.ts";
import { Guests } from "./guests.ts";
import { IncomingConnection, type IncomingEvents } from "./incoming-connection.ts";
import { OutgoingPeer, type OutgoingPeerEvents } from "./outgoing-peer.ts";
import { createPeerServer, type PeerServer } from "./peer-server.ts";
import { DEFAULT_TCP_LIMITS, type TcpLimits, type TcpPeerLinkOptions } from "./tcp-options.ts";

/**
 * Peer messages over framed TCP. Each broker dials every peer with one connection per lane and
 * sends on what it dialled; what it accepted it only reads. Brokers that it was not told of are
 * dialled where their hello says, while they are connected. Nothing that arrives on a connection
 * can throw out of this class: foreign or malformed bytes close the connection that they came on.
 */
export class TcpPeerLink implements PeerLink {
  readonly #options: TcpPeerLinkOptions;
  readonly #limits: TcpLimits;
  readonly #guests: Guests;
  readonly #listener: PeerServer;
  readonly #outgoing = new Map<BrokerId, OutgoingPeer>();
  readonly #incoming = new Set<IncomingConnection>();
  readonly #incomingByLane = new Map<string, IncomingConnection>();
  #handler: PeerHandler | undefined;
  #hello: PeerHello | undefined;
  #addresses: ReadonlyMap<BrokerId, PeerAddress> = new Map();
  #pingTimer: Timer | undefined;
  #state: "new" | "started" | "stopped" = "new";

  constructor(options: TcpPeerLinkOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_TCP_LIMITS, ...options.limits };
    this.#guests = new Guests(this.#limits.guestCountMax);
    const { tls, logger } = options;
    const { handshakeTimeoutMs, greetingCountMax: handshakeCountMax } = this.#limits;
    const accept = (socket: Socket): void => this.#accept(socket);
    this.#listener = createPeerServer({
      tls,
      logger,
      handshakeTimeoutMs,
      handshakeCountMax,
      accept,
    });
  }

  async start(handler: PeerHandler): Promise<{ readonly port: number }> {
    assert(this.#state === "new", `start of a peer link that is ${this.#state}`);
    assert(this.#hello !== undefined, "setHello comes before start");
    this.#handler = handler;
    this.#state = "started";
    const port = await this.#listen();
    this.#dialPeers();
    this.#schedulePing();
    return { port };
  }

  async stop(): Promise<void> {
    if (this.#state !== "started") {
      this.#state = "stopped";
      this.#listener.stop();
      return;
    }
    this.#state = "stopped";
    this.#pingTimer?.cancel();
    for (const peer of this.#outgoing.values()) peer.stop();
    this.#outgoing.clear();
    for (const connection of this.#incoming) connection.close();
    this.#listener.stop();
    const { server } = this.#listener;
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }

  setPeers(peers: ReadonlyMap<BrokerId, PeerAddress>): void {
    this.#addresses = new Map(peers);
    for (const peer of peers.keys()) this.#guests.forget(peer);
    this.#dialPeers();
  }

  setHello(hello: PeerHello): void {
    this.#hello = hello;
  }

  send(to: BrokerId, lane: Lane, kind: PeerMessageKind, parts: readonly Uint8Array[]): SendResult {
    return this.#outgoing.get(to)?.send(lane, kind, parts) ?? "down";
  }

  isUp(peer: BrokerId): boolean {
    return this.#outgoing.get(peer)?.isUp ?? false;
  }

  #listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    const { server } = this.#listener;
    return new Promise((resolve, reject) => {
      server.once("error", (error) => {
        reject(listenError(error, host, port));
      });
      server.listen({ host, port }, () => {
        server.removeAllListeners("error");
        server.on("error", (error) => {
          // Out of file descriptors, for one: the listener lives on and accepts again later.
          this.#options.logger.warn({ reason: error.message }, "peer listener failed to accept");
        });
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  /** Brings the dialled peers in line with the wanted addresses, once the link has started. */
  #dialPeers(): void {
    if (this.#state !== "started") return;
    const self = present(this.#hello, "hello").brokerId;
    const addresses = new Map([...this.#guests.addresses(), ...this.#addresses]);
    for (const [peer, connection] of this.#outgoing) {
      const wanted = addresses.get(peer);
      const { host, port } = connection.address;
      if (wanted?.host === host && wanted.port === port) continue;
      const wasUp = connection.isUp;
      connection.stop();
      this.#outgoing.delete(peer);
      if (wasUp) this.#handler?.onPeerDown(peer, "closed");
    }
    for (const [peer, address] of addresses) {
      if (peer === self || this.#outgoing.has(peer)) continue;
      const { timers, random, logger, tls } = this.#options;
      const shared = { peer, address, limits: this.#limits, timers, random, logger, tls };
      const connection = new OutgoingPeer({ ...shared, events: this.#outgoingEvents() });
      this.#outgoing.set(peer, connection);
      connection.dialNow();
    }
  }

  #outgoingEvents(): OutgoingPeerEvents {
    const handler = present(this.#handler, "peer handler");
    return {
      onUp: (peer, hello) => handler.onPeerUp(peer, hello),
      onDown: (peer, reason) => handler.onPeerDown(peer, reason),
      onDrained: (peer, lane) => handler.onDrained(peer, lane),
      checkHello: (hello) => this.#checkHello(hello),
      hello: () => present(this.#hello, "hello"),
    };
  }

  #checkHello(hello: PeerHello): string | undefined {
    const own = present(this.#hello, "hello");
    if (hello.protocolVersion !== own.protocolVersion) {
      return `peer protocol ${hello.protocolVersion}, this broker speaks ${own.protocolVersion}`;
    }
    if (hello.brokerId === own.brokerId) return `broker id ${own.brokerId} is taken by this broker`;
    // The handler hears of every hello that it could understand, and says best what does not fit.
    const problem = present(this.#handler, "peer handler").checkHello(hello);
    if (problem !== undefined) return problem;
    const [theirs, ours] = [hello.clusterId, own.clusterId];
    if (theirs !== undefined && ours !== undefined && theirs !== ours) {
      return `cluster ${theirs}, this broker belongs to ${ours}`;
    }
    return undefined;
  }

  #accept(socket: Socket): void {
    const { timers, logger } = this.#options;
    if (this.#state !== "started" || this.#greetingCount() >= this.#limits.greetingCountMax) {
      socket.on("error", (error) => logger.debug({ reason: error.message }, "refused peer failed"));
      socket.destroy();
      return;
    }
    const limits = this.#limits;
    const events = this.#incomingEvents();
    this.#incoming.add(new IncomingConnection({ socket, limits, timers, logger, events }));
  }

  #greetingCount(): number {
    let count = 0;
    for (const connection of this.#incoming) if (connection.isGreeting) count++;
    return count;
  }

  #incomingEvents(): IncomingEvents {
    const handler = present(this.#handler, "peer handler");
    return {
      onHello: (connection, lane, hello) => {
        const own = present(this.#hello, "hello");
        const refusal = this.#checkHello(hello) ?? this.#maybeAdmit(hello);
        if (refusal !== undefined) return { hello: own, refusal };
        const key = laneKey(hello.brokerId, lane);
        // A peer that dials again has given up its old connection, which may hang half open here.
        this.#incomingByLane.get(key)?.close();
        this.#incomingByLane.set(key, connection);
        this.#outgoing.get(hello.brokerId)?.dialNow();
        return { hello: own, refusal };
      },
      onMessage: (from, lane, kind, payload) => handler.onMessage(from, lane, kind, payload),
      onClosed: (connection) => {
        this.#incoming.delete(connection);
        for (const [key, open] of this.#incomingByLane) {
          if (open === connection) this.#incomingByLane.delete(key);
        }
        this.#maybeForget(connection.peer);
      },
    };
  }

  /** Makes a guest of a broker that this one was not told of; a text says why not. */
  #maybeAdmit(hello: PeerHello): string | undefined {
    if (this.#addresses.has(hello.brokerId)) return undefined;
    const refusal = this.#guests.admit(hello);
    if (refusal === undefined) this.#dialPeers();
    return refusal;
  }

  /** A guest whose last connection has closed is gone, and is not dialled any more. */
  #maybeForget(peer: BrokerId | undefined): void {
    if (peer === undefined || LANES.some((lane) => this.#incomingByLane.has(laneKey(peer, lane)))) {
      return;
    }
    if (this.#guests.forget(peer)) this.#dialPeers();
  }

  #schedulePing(): void {
    this.#pingTimer = this.#options.timers.after(this.#limits.pingMs, () => {
      for (const peer of this.#outgoing.values()) peer.ping();
      this.#schedulePing();
    });
  }
}

function laneKey(peer: BrokerId, lane: Lane): string {
  return `${peer} ${lane}`;
}

function listenError(error: Error, host: string, port: number): CodedError {
  const code = "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    const message = `peer port ${port} on ${host} is taken; stop the other process or choose a port`;
    return new CodedError("ADDRESS_IN_USE", message, { cause: error, details: { host, port } });
  }
  const message = `cannot listen for peers on ${host}:${port}: ${error.message}`;
  return new CodedError("INVALID_CONFIG", message, { cause: error, details: { host, port } });
}
