import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machineRandom, machineTimers, silentLogger } from "@stratalog/base";
import { TcpPeerLink, type TcpPeerLinkOptions } from "@stratalog/raft-host";
import {
  peerLinkContract,
  RecordingPeerHandler,
  RIG_BROKERS,
  RIG_HOST,
  TcpRig,
  testHello,
} from "@stratalog/raft-host/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canMakeCertificates, makeCertificates, pemOf } from "./certificates.ts";

const [FIRST, SECOND] = RIG_BROKERS;

let directory = "";
let strange = "";

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 8_000, interval: 5 }).toBe(true);
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

function createLink(port: number, folder: string, host: string = RIG_HOST): TcpPeerLink {
  return new TcpPeerLink({
    listen: { host, port },
    timers: machineTimers,
    random: machineRandom,
    logger: silentLogger,
    tls: tlsOf(folder),
    limits: { redialMaxMs: 100, handshakeTimeoutMs: 500 },
  });
}

function rig(): TcpRig {
  return new TcpRig({ createLink: (port) => createLink(port, directory), until });
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

  for (const claim of peerLinkContract(rig)) it(claim.name, () => claim.run());

  it("hears nobody whose certificate another authority signed", async () => {
    const [first, second] = [createLink(0, directory), createLink(0, strange)];
    const [heard, refused] = [new RecordingPeerHandler(), new RecordingPeerHandler()];
    first.setHello(testHello(FIRST));
    second.setHello(testHello(SECOND));
    const { port } = await first.start(heard);
    second.setPeers(new Map([[FIRST, { host: RIG_HOST, port }]]));
    await second.start(refused);
    await until(() => refused.events.some((event) => event.type === "down"));
    expect(heard.events).toEqual([]);
    expect(second.isUp(FIRST)).toBe(false);
    await first.stop();
    await second.stop();
  });

  it("answers a broker that it was not told of only where its certificate says that it is", async () => {
    // The certificates name 127.0.0.1 and not 127.0.0.2.
    for (const [host, isAnswered] of [
      [RIG_HOST, true],
      ["127.0.0.2", false],
    ] as const) {
      const [first, second] = [createLink(0, directory), createLink(0, directory, host)];
      const [heard, guest] = [new RecordingPeerHandler(), new RecordingPeerHandler()];
      first.setHello(testHello(FIRST));
      second.setHello(testHello(SECOND));
      const { port } = await first.start(heard);
      const listening = await second.start(guest);
      second.setHello({ ...testHello(SECOND), address: { host, port: listening.port } });
      second.setPeers(new Map([[FIRST, { host: RIG_HOST, port }]]));
      await until(() => heard.events.length > 0 && second.isUp(FIRST));
      expect(first.isUp(SECOND)).toBe(isAnswered);
      expect(heard.downReasons()).toEqual(isAnswered ? [] : ["rejected"]);
      await first.stop();
      await second.stop();
    }
  });

  it("closes a connection that does not shake hands, and stops with one open", async () => {
    const link = createLink(0, directory);
    link.setHello(testHello(FIRST));
    const { port } = await link.start(new RecordingPeerHandler());
    const silent = connect({ host: RIG_HOST, port });
    await once(silent, "close");
    const open = connect({ host: RIG_HOST, port });
    await once(open, "connect");
    open.on("error", () => {});
    await link.stop();
    expect(silent.destroyed).toBe(true);
    open.destroy();
  });
});
