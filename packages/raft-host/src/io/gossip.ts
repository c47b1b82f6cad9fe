import { assert, type BrokerId, decodeUtf8Strict, encodeUtf8 } from "@stratalog/base";
import { ByteReader } from "../core/byte-reader.ts";
import { ByteWriter } from "../core/byte-writer.ts";
import { MalformedMessageError } from "../core/malformed-message-error.ts";
import { PEER_MESSAGE, type PeerLink } from "../ports/peer-link.ts";

/** Takes one gossip message of a topic. */
export type GossipHandler = (from: BrokerId, body: Uint8Array) => void;

/**
 * News for every connected broker, best effort: a message may be lost, never doubled, and none is
 * repeated.
 */
export class Gossip {
  readonly #link: PeerLink;
  readonly #peers: () => Iterable<BrokerId>;
  readonly #handlers = new Map<string, GossipHandler>();

  /** `peers` are the brokers that are up. */
  constructor(link: PeerLink, peers: () => Iterable<BrokerId>) {
    this.#link = link;
    this.#peers = peers;
  }

  /** Takes the messages of a topic from now on. */
  on(topic: string, handler: GossipHandler): void {
    assert(!this.#handlers.has(topic), `two handlers of gossip about ${topic}`);
    this.#handlers.set(topic, handler);
  }

  /** Tells every broker that is up. */
  broadcast(topic: string, body: Uint8Array): void {
    for (const peer of this.#peers()) this.tell(peer, topic, body);
  }

  /** Tells one broker. */
  tell(peer: BrokerId, topic: string, body: Uint8Array): void {
    const head = new ByteWriter(32).block(encodeUtf8(topic)).finish();
    // Best effort: what the link does not take is lost.
    this.#link.send(peer, "control", PEER_MESSAGE.gossip, [head, body]);
  }

  /** Delivers a message. Throws MalformedMessageError when it is none. */
  handleMessage(from: BrokerId, payload: Uint8Array): void {
    const reader = new ByteReader(payload);
    const topic = decodeUtf8Strict(reader.block());
    if (!reader.ok || topic === undefined) throw new MalformedMessageError("gossip of a peer");
    this.#handlers.get(topic)?.(from, reader.bytes(reader.remaining));
  }
}
