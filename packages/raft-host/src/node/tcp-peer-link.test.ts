import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { brokerId, machineRandom, machineTimers, silentLogger } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { MalformedMessageError } from "../core/malformed-message-error.ts";
import { encodeHandshake } from "../core/handshake.ts";
import { PEER_MESSAGE, type PeerHello } from "../ports/peer-link.ts";
import { peerLinkContract, testHello } from "../testing/peer-link-contract.ts";
import { RecordingPeerHandler } from "../testing/recording-peer-handler.ts";
import { RIG_BROKERS, RIG_HOST, TcpRig } from "../testing/tcp-rig.ts";
import type { TcpLimits } from "./tcp-options.ts";
import { TcpPeerLink } from "./tcp-peer-link.ts";

const [FIRST, SECOND] = RIG_BROKERS;

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 8000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`timed out: ${condition.toString()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}

function createLink(port: number, limits: Partial<TcpLimits> = {}): TcpPeerLink {
  return new TcpPeerLink({
    listen: { host: RIG_HOST, port },
    timers: machineTimers,
    random: machineRandom,
    logger: silentLogger,
    limits: { redialMaxMs: 100, ...limits },
  });
}

describe("TcpPeerLink fits the contract of a peer link:", () => {
  for (const claim of peerLinkContract(() => new TcpRig({ createLink, until })))
    it(claim.name, () => claim.run());
});

interface Lone {
  readonly link: TcpPeerLink;
  readonly handler: RecordingPeerHandler;
  readonly port: number;
}

async function startLone(
  limits: Partial<TcpLimits> = {},
  hello: PeerHello = testHello(FIRST),
): Promise<Lone> {
  const link = createLink(0, limits);
  const handler = new RecordingPeerHandler();
  link.setHello(hello);
  const { port } = await link.start(handler);
  return { link, handler, port };
}

async function stranger(port: number, bytes: Uint8Array): Promise<Socket> {
  const socket = connect({ host: RIG_HOST, port });
  await once(socket, "connect");
  socket.write(bytes);
  socket.resume();
  return socket;
}

const helloBytes = (hello: PeerHello): Uint8Array =>
  encodeHandshake({ type: "hello", lane: "bulk", hello });

describe("TcpPeerLink against strangers", () => {
  it("closes a connection that speaks something else", async () => {
    const { link, handler, port } = await startLone();
    for (const text of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02", "\0".repeat(100)]) {
      const socket = await stranger(port, Buffer.from(text, "latin1"));
      await once(socket, "close");
    }
    expect(handler.events).toEqual([]);
    await link.stop();
  });

  it("closes a connection that says nothing before the handshake timeout", async () => {
    const { link, port } = await startLone({ handshakeTimeoutMs: 30 });
    const socket = await stranger(port, new Uint8Array(0));
    await once(socket, "close");
    await link.stop();
  });

  it("keeps no more than the allowed number of silent connections", async () => {
    const { link, port } = await startLone({ greetingCountMax: 3 });
    const sockets: Socket[] = [];
    for (let i = 0; i < 8; i++) sockets.push(await stranger(port, new Uint8Array(0)));
    await until(() => sockets.filter((socket) => socket.closed).length === 5);
    for (const socket of sockets) socket.destroy();
    await link.stop();
  });

  it("closes a peer's connection after an absurd length, an unknown kind or a bad message", async () => {
    const { link, handler, port } = await startLone();
    const hello = helloBytes(testHello(SECOND));
    for (const tail of [
      [0xff, 0xff, 0xff, 0xff],
      [0, 0, 0, 1, 77],
    ]) {
      const socket = await stranger(port, new Uint8Array([...hello, ...tail]));
      await once(socket, "close");
    }
    handler.messageError = new MalformedMessageError("planted");
    const message = [0, 0, 0, 2, PEER_MESSAGE.raft, 5];
    const socket = await stranger(port, new Uint8Array([...hello, ...message, ...message]));
    await once(socket, "close");
    expect(handler.messages("bulk")).toEqual([new Uint8Array([5])]);
    expect(Buffer.isBuffer(handler.messages("bulk")[0])).toBe(false);
    await link.stop();
  });

  it("refuses another cluster, another protocol and its own broker id with a reason", async () => {
    const { link, port } = await startLone();
    const hellos = [
      { ...testHello(SECOND), clusterId: "other" },
      { ...testHello(SECOND), protocolVersion: 2 },
      testHello(FIRST),
    ];
    for (const hello of hellos) {
      const socket = connect({ host: RIG_HOST, port });
      socket.write(helloBytes(hello));
      const [answer] = (await once(socket, "data")) as [Buffer];
      expect(answer.toString("latin1")).toMatch(/cluster|protocol|taken/);
      await once(socket, "close");
    }
    await link.stop();
  });

  it("lets both sides see the hello of the other when their clusters differ", async () => {
    const first = await startLone();
    const other = { ...testHello(SECOND), clusterId: "other" };
    const second = await startLone({}, other);
    second.link.setPeers(new Map([[FIRST, { host: RIG_HOST, port: first.port }]]));
    await until(() => second.handler.downReasons().includes("rejected"));
    expect(first.handler.hellos.map((hello) => hello.clusterId)).toContain("other");
    expect(second.handler.hellos.map((hello) => hello.clusterId)).toContain("cluster");
    expect(first.link.isUp(SECOND) || second.link.isUp(FIRST)).toBe(false);
    await first.link.stop();
    await second.link.stop();
  });

  it("says which port is taken", async () => {
    const { link, port } = await startLone();
    const second = createLink(port);
    second.setHello(testHello(SECOND));
    await expect(second.start(new RecordingPeerHandler())).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
    });
    await link.stop();
  });
});

/** Accepts connections, answers the handshake and then never says or reads anything again. */
async function startMute(hello: PeerHello): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      socket.write(encodeHandshake({ type: "welcome", hello }));
      socket.pause();
    });
  }).listen(0, RIG_HOST);
  await once(server, "listening");
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

describe("TcpPeerLink and silence", () => {
  it("gives up a peer that stops answering, as silent and not as refused", async () => {
    const mute = await startMute(testHello(SECOND));
    const { link, handler } = await startLone({ pingMs: 10, silentPingCount: 3 });
    link.setPeers(new Map([[SECOND, { host: RIG_HOST, port: mute.port }]]));
    await until(() => handler.downReasons().length > 0);
    expect(handler.downReasons()[0]).toBe("silent");
    await link.stop();
    mute.server.close();
  });

  it("does not take another broker's answer for the peer's", async () => {
    const mute = await startMute(testHello(brokerId(3)));
    const { link, handler } = await startLone();
    link.setPeers(new Map([[SECOND, { host: RIG_HOST, port: mute.port }]]));
    await until(() => handler.downReasons().length > 0);
    expect(handler.downReasons()[0]).toBe("rejected");
    await link.stop();
    mute.server.close();
  });
});
