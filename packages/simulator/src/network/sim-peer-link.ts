import { type BrokerId, brokerId, present } from "@stratalog/base";
import type {
  Lane,
  PeerAddress,
  PeerDownReason,
  PeerHandler,
  PeerHello,
  PeerLink,
  PeerMessageKind,
  SendResult,
} from "@stratalog/raft-host";
import type { SimNode } from "../kernel/sim-node.ts";
import type { SimNetwork } from "./sim-network.ts";

/** A peer link over the simulated network: one per life of a node. */
export class SimPeerLink implements PeerLink {
  readonly node: SimNode;
  readonly broker: BrokerId;
  readonly #network: SimNetwork;
  #peers = new Set<number>();
  #handler: PeerHandler | undefined;
  #hello: PeerHello | undefined;
  #reported = new Map<number, PeerDownReason | "up">();

  constructor(network: SimNetwork, node: SimNode) {
    this.#network = network;
    this.node = node;
    this.broker = brokerId(node.id);
  }

  get hello(): PeerHello {
    return present(this.#hello, "hello");
  }

  start(handler: PeerHandler): Promise<{ readonly port: number }> {
    this.#handler = handler;
    this.#network.attach(this);
    for (const peer of this.#peers) this.#network.dial(this.node.id, peer);
    return Promise.resolve({ port: this.node.id });
  }

  stop(): Promise<void> {
    this.#handler = undefined;
    this.#network.detach(this);
    return Promise.resolve();
  }

  setPeers(peers: ReadonlyMap<BrokerId, PeerAddress>): void {
    this.#peers = new Set([...peers.keys()].filter((peer) => peer !== this.broker));
    if (this.#handler === undefined) return;
    for (const peer of this.#peers) this.#network.dial(this.node.id, peer);
  }

  setHello(hello: PeerHello): void {
    this.#hello = hello;
  }

  send(to: BrokerId, lane: Lane, kind: PeerMessageKind, parts: readonly Uint8Array[]): SendResult {
    if (this.#handler === undefined) return "down";
    return this.#network.send(this, to, { lane, kind, payload: join(parts) });
  }

  isUp(peer: BrokerId): boolean {
    return this.#handler !== undefined && this.#network.isUp(this.node.id, peer);
  }

  /** Whether this side dials the peer. */
  knows(peer: number): boolean {
    return this.#peers.has(peer);
  }

  /** Whether this side takes a connection from whoever says this of itself. */
  check(hello: PeerHello): string | undefined {
    return this.#handler?.checkHello(hello);
  }

  handleUp(target: SimPeerLink): void {
    this.#reported.set(target.node.id, "up");
    this.#handler?.onPeerUp(target.broker, target.hello);
  }

  handleDown(peer: number, reason: PeerDownReason): void {
    if (this.#reported.get(peer) === reason) return;
    this.#reported.set(peer, reason);
    this.#handler?.onPeerDown(brokerId(peer), reason);
  }

  handleDrained(peer: number, lane: Lane): void {
    this.node.schedule(0, () => this.#handler?.onDrained(brokerId(peer), lane));
  }

  /** A message arrived at this machine; its process reads it when it runs. */
  handleMessage(from: BrokerId, lane: Lane, kind: PeerMessageKind, payload: Uint8Array): void {
    this.node.scheduleNow(() => this.#handler?.onMessage(from, lane, kind, payload));
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    joined.set(part, position);
    position += part.length;
  }
  return joined;
}
