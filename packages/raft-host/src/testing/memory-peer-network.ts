import { type BrokerId, present, type Timers } from "@stratalog/base";
import type {
  Lane,
  PeerDownReason,
  PeerHandler,
  PeerHello,
  PeerLink,
  PeerMessageKind,
  SendResult,
} from "../ports/peer-link.ts";
import { testHello } from "./peer-link-contract.ts";

/**
 * Peer links between brokers of one process, for tests: every message takes `latencyMs`, none is
 * lost while up.
 */
export class MemoryPeerNetwork {
  readonly timers: Timers;
  readonly latencyMs: number;
  readonly #nodes = new Map<BrokerId, MemoryPeerLink>();
  readonly #cuts = new Set<string>();
  /** Messages sent so far, by lane. */
  readonly sentCount = { control: 0, bulk: 0 };
  /** When set, the bulk lane takes nothing. */
  isBulkFull = false;

  constructor(timers: Timers, latencyMs = 1) {
    this.timers = timers;
    this.latencyMs = latencyMs;
  }

  /** The link of a broker; a second call replaces the first one's, as a restart does. */
  link(broker: BrokerId): MemoryPeerLink {
    const link = new MemoryPeerLink(this, broker);
    this.#nodes.set(broker, link);
    return link;
  }

  node(broker: BrokerId): MemoryPeerLink | undefined {
    return this.#nodes.get(broker);
  }

  /** Messages from `from` to `to` vanish from now on; nobody is told. */
  cut(from: BrokerId, to: BrokerId): void {
    this.#cuts.add(`${from} ${to}`);
  }

  heal(): void {
    this.#cuts.clear();
  }

  isCut(from: BrokerId, to: BrokerId): boolean {
    return this.#cuts.has(`${from} ${to}`);
  }

  connect(started: MemoryPeerLink): void {
    for (const [broker, other] of this.#nodes) {
      if (broker === started.broker || !other.isStarted) continue;
      other.handler.onPeerUp(started.broker, testHello(started.broker));
      started.handler.onPeerUp(broker, testHello(broker));
    }
  }

  /** Everybody learns that a broker is gone, and why. */
  announceDown(gone: BrokerId, reasons: readonly PeerDownReason[]): void {
    for (const [broker, other] of this.#nodes) {
      if (broker === gone || !other.isStarted) continue;
      for (const reason of reasons) other.handler.onPeerDown(gone, reason);
    }
  }
}

/** One broker's end of a {@link MemoryPeerNetwork}. */
export class MemoryPeerLink implements PeerLink {
  readonly broker: BrokerId;
  readonly #network: MemoryPeerNetwork;
  #handler: PeerHandler | undefined;
  isStarted = false;

  constructor(network: MemoryPeerNetwork, broker: BrokerId) {
    this.#network = network;
    this.broker = broker;
  }

  get handler(): PeerHandler {
    return present(this.#handler, "peer handler");
  }

  start(handler: PeerHandler): Promise<{ readonly port: number }> {
    this.#handler = handler;
    this.isStarted = true;
    this.#network.connect(this);
    return Promise.resolve({ port: 0 });
  }

  stop(): Promise<void> {
    this.isStarted = false;
    return Promise.resolve();
  }

  setPeers(): void {}

  setHello(_hello: PeerHello): void {}

  isUp(peer: BrokerId): boolean {
    return this.#network.node(peer)?.isStarted ?? false;
  }

  send(to: BrokerId, lane: Lane, kind: PeerMessageKind, parts: readonly Uint8Array[]): SendResult {
    if (!this.isStarted || !this.isUp(to)) return "down";
    if (lane === "bulk" && this.#network.isBulkFull) return "full";
    this.#network.sentCount[lane]++;
    const payload = new Uint8Array(parts.flatMap((part) => [...part]));
    this.#network.timers.after(this.#network.latencyMs, () => {
      const receiver = this.#network.node(to);
      if (receiver === undefined || !receiver.isStarted) return;
      if (this.#network.isCut(this.broker, to)) return;
      receiver.handler.onMessage(this.broker, lane, kind, payload);
    });
    return "sent";
  }
}
