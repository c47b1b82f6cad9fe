import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BrokerId,
  brokerId,
  machineRandom,
  machineTimers,
  present,
  silentLogger,
} from "@stratalog/base";
import { TcpPeerLink, type TcpPeerLinkOptions } from "@stratalog/raft-host";
import {
  type PeerLinkRig,
  peerLinkContract,
  RecordingPeerHandler,
  testHello,
} from "@stratalog/raft-host/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canMakeCertificates, makeCertificates, pemOf } from "./certificates.ts";

const HOST = "127.0.0.1";
const [FIRST, SECOND] = [brokerId(1), brokerId(2)];

let directory = "";
let strange = "";

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 8_000, interval: 5 }).toBe(true);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

function tlsOf(folder: string): NonNullable<TcpPeerLinkOptions["tls"]> {
  return {
    current: {
      cert: pemOf(folder, "broker.crt"),
      key: pemOf(folder, "broker.key"),
      ca: pemOf(folder, "ca.crt"),
      minVersion: "TLSv1.3",
    },
    requiresClientCertificate: true,
    onChange: () => () => {},
  };
}

function createLink(port: number, folder: string): TcpPeerLink {
  return new TcpPeerLink({
    listen: { host: HOST, port },
    timers: machineTimers,
    random: machineRandom,
    logger: silentLogger,
    tls: tlsOf(folder),
    limits: { redialMaxMs: 100, handshakeTimeoutMs: 500 },
  });
}

class TlsRig implements PeerLinkRig {
  readonly #links = new Map<BrokerId, TcpPeerLink>();
  readonly #addresses = new Map<BrokerId, { host: string; port: number }>();
  #lives = 0;

  link(broker: BrokerId): TcpPeerLink {
    return present(this.#links.get(broker), `link of broker ${broker}`);
  }

  async start(broker: BrokerId, handler: RecordingPeerHandler): Promise<void> {
    for (const id of [FIRST, SECOND]) {
      if (this.#addresses.has(id)) continue;
      this.#addresses.set(id, { host: HOST, port: await freePort() });
    }
    const link = createLink(present(this.#addresses.get(broker), "address").port, directory);
    this.#links.set(broker, link);
    link.setHello(testHello(broker, `life-${this.#lives++}`));
    link.setPeers(this.#addresses);
    await link.start(handler);
  }

  async crash(broker: BrokerId): Promise<void> {
    await this.link(broker).stop();
  }

  until(condition: () => boolean): Promise<void> {
    return until(condition);
  }

  async close(): Promise<void> {
    for (const link of this.#links.values()) await link.stop();
  }
}

describe.skipIf(!canMakeCertificates("peer links over TLS"))("TcpPeerLink over TLS", () => {
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "stratalog-peer-tls-"));
    directory = join(folder, "ours");
    strange = join(folder, "theirs");
    makeCertificates(directory);
    makeCertificates(strange);
  });

  afterAll(() => rm(join(directory, ".."), { recursive: true, force: true }));

  for (const claim of peerLinkContract(() => new TlsRig())) it(claim.name, () => claim.run());

  it("hears nobody whose certificate another authority signed", async () => {
    const [first, second] = [createLink(0, directory), createLink(0, strange)];
    const [heard, refused] = [new RecordingPeerHandler(), new RecordingPeerHandler()];
    first.setHello(testHello(FIRST));
    second.setHello(testHello(SECOND));
    const { port } = await first.start(heard);
    second.setPeers(new Map([[FIRST, { host: HOST, port }]]));
    await second.start(refused);
    await until(() => refused.events.some((event) => event.type === "down"));
    expect(heard.events).toEqual([]);
    expect(second.isUp(FIRST)).toBe(false);
    await first.stop();
    await second.stop();
  });

  it("closes a connection that does not shake hands, and stops with one open", async () => {
    const link = createLink(0, directory);
    link.setHello(testHello(FIRST));
    const { port } = await link.start(new RecordingPeerHandler());
    const silent = connect({ host: HOST, port });
    await once(silent, "close");
    const open = connect({ host: HOST, port });
    await once(open, "connect");
    open.on("error", () => {});
    await link.stop();
    expect(silent.destroyed).toBe(true);
    open.destroy();
  });
});
