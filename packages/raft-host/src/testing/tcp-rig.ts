import { once } from "node:events";
import { createServer } from "node:net";
import { type BrokerId, brokerId, present } from "@stratalog/base";
import type { TcpPeerLink } from "../node/tcp-peer-link.ts";
import type { PeerAddress } from "../ports/peer-link.ts";
import { type PeerLinkRig, testHello } from "./peer-link-contract.ts";
import type { RecordingPeerHandler } from "./recording-peer-handler.ts";

/** Where links under test listen. */
export const RIG_HOST = "127.0.0.1";
/** The two brokers of a rig. */
export const RIG_BROKERS: readonly [BrokerId, BrokerId] = [brokerId(1), brokerId(2)];

/** Two links over TCP on loopback, with TLS or without, that are started and crashed by number. */
export class TcpRig implements PeerLinkRig {
  readonly until: PeerLinkRig["until"];
  readonly #createLink: (port: number) => TcpPeerLink;
  readonly #links = new Map<BrokerId, TcpPeerLink>();
  readonly #addresses = new Map<BrokerId, PeerAddress>();
  #lives = 0;

  constructor(options: {
    /** A link that listens on a port of {@link RIG_HOST}. */
    readonly createLink: (port: number) => TcpPeerLink;
    /** Waits for a condition in real time, within a bound. */
    readonly until: PeerLinkRig["until"];
  }) {
    this.until = options.until;
    this.#createLink = options.createLink;
  }

  link(broker: BrokerId): TcpPeerLink {
    return present(this.#links.get(broker), `link of broker ${broker}`);
  }

  async start(broker: BrokerId, handler: RecordingPeerHandler): Promise<void> {
    for (const id of RIG_BROKERS) {
      if (this.#addresses.has(id)) continue;
      this.#addresses.set(id, { host: RIG_HOST, port: await freePort() });
    }
    const link = this.#createLink(present(this.#addresses.get(broker), "address").port);
    this.#links.set(broker, link);
    link.setHello(testHello(broker, `life-${this.#lives++}`));
    link.setPeers(this.#addresses);
    await link.start(handler);
  }

  async crash(broker: BrokerId): Promise<void> {
    await this.link(broker).stop();
  }

  async close(): Promise<void> {
    for (const link of this.#links.values()) await link.stop();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, RIG_HOST);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
