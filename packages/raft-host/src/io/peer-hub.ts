import { type BrokerId, type Logger, type Timers, unreachable } from "@stratalog/base";
import {
  type Lane,
  PEER_MESSAGE,
  type PeerAddress,
  type PeerDownReason,
  type PeerHello,
  type PeerLink,
  type PeerMessageKind,
} from "../ports/peer-link.ts";
import { Gossip } from "./gossip.ts";
import { PeerCalls } from "./peer-calls.ts";

/** What a peer hub is made with. */
export interface PeerHubOptions {
  readonly self: BrokerId;
  readonly link: PeerLink;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Number of this process's first call, see {@link PeerCalls}. Default 0. */
  readonly firstCorrelation?: number;
  /**
   * Whether to accept a peer; a text says why not. The link itself checks protocol, cluster and
   * broker id.
   */
  readonly checkHello?: (hello: PeerHello) => string | undefined;
  /**
   * Whether a broker belongs to the cluster as far as this one knows. Raft messages of others are
   * dropped; their calls are answered, for that is how a broker comes in. Default: all belong.
   */
  readonly isMember?: (broker: BrokerId) => boolean;
}

/** The part of a Raft host that peers talk to. */
export interface RaftEndpoint {
  handlePeerMessage(from: BrokerId, lane: Lane, payload: Uint8Array): void;
  onPeerUp(peer: BrokerId): void;
  onPeerDown(peer: BrokerId, reason: PeerDownReason): void;
  onDrained(peer: BrokerId, lane: Lane): void;
}

/** Hears of peers that come and go. */
export interface PeerListener {
  onPeerUp?(peer: BrokerId, hello: PeerHello): void;
  onPeerDown?(peer: BrokerId, reason: PeerDownReason): void;
}

/**
 * Owns a broker's peer link and hands what it delivers to the Raft host, to calls and to gossip.
 */
export class PeerHub {
  readonly link: PeerLink;
  readonly calls: PeerCalls;
  readonly gossip: Gossip;
  readonly #options: PeerHubOptions;
  readonly #up = new Map<BrokerId, PeerHello>();
  readonly #listeners = new Set<PeerListener>();
  #raft: RaftEndpoint | undefined;

  constructor(options: PeerHubOptions) {
    this.#options = options;
    this.link = options.link;
    this.calls = new PeerCalls(options);
    this.gossip = new Gossip(options.link, () => this.#up.keys());
  }

  /** Where Raft messages go from now on; before that they are dropped. */
  attach(raft: RaftEndpoint): void {
    this.#raft = raft;
  }

  /** Adds a listener; the answer removes it. */
  listen(listener: PeerListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The peers that are up, with what they said of themselves. */
  peersUp(): ReadonlyMap<BrokerId, PeerHello> {
    return this.#up;
  }

  setPeers(peers: ReadonlyMap<BrokerId, PeerAddress>): void {
    this.link.setPeers(peers);
  }

  start(): Promise<{ readonly port: number }> {
    return this.link.start({
      onMessage: (from, lane, kind, payload) => this.#deliver(from, lane, kind, payload),
      onPeerUp: (peer, hello) => this.#handleUp(peer, hello),
      onPeerDown: (peer, reason) => this.#handleDown(peer, reason),
      onDrained: (peer, lane) => this.#raft?.onDrained(peer, lane),
      checkHello: (hello) => this.#options.checkHello?.(hello),
    });
  }

  async stop(): Promise<void> {
    this.calls.close();
    await this.link.stop();
  }

  #deliver(from: BrokerId, lane: Lane, kind: PeerMessageKind, payload: Uint8Array): void {
    switch (kind) {
      case PEER_MESSAGE.raft:
        // Who is known only later is heard later: a leader says everything again.
        if (this.#options.isMember?.(from) === false) return;
        this.#raft?.handlePeerMessage(from, lane, payload);
        return;
      case PEER_MESSAGE.request:
        this.calls.handleRequest(from, payload);
        return;
      case PEER_MESSAGE.response:
        this.calls.handleResponse(from, payload);
        return;
      case PEER_MESSAGE.gossip:
        this.gossip.handleMessage(from, payload);
        return;
      default:
        unreachable(kind, "peer message");
    }
  }

  #handleUp(peer: BrokerId, hello: PeerHello): void {
    this.#options.logger.info({ peer, incarnation: hello.incarnation }, "peer up");
    this.#up.set(peer, hello);
    this.#raft?.onPeerUp(peer);
    for (const listener of this.#listeners) listener.onPeerUp?.(peer, hello);
  }

  #handleDown(peer: BrokerId, reason: PeerDownReason): void {
    this.#options.logger.info({ peer, reason }, "peer down");
    this.#up.delete(peer);
    this.calls.handlePeerDown(peer);
    this.#raft?.onPeerDown(peer, reason);
    for (const listener of this.#listeners) listener.onPeerDown?.(peer, reason);
  }
}
