// Links over TCP on loopback: what becomes of a broker that nobody was told of.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import {
  type BrokerId,
  brokerId,
  machineRandom,
  machineTimers,
  silentLogger,
} from "@stratalog/base";
import { afterEach, describe, expect, it } from "vitest";
import { encodeHandshake } from "../core/handshake.ts";
import { PEER_MESSAGE, type PeerHello } from "../ports/peer-link.ts";
import { testHello } from "../testing/peer-link-contract.ts";
import { RecordingPeerHandler } from "../testing/recording-peer-handler.ts";
import { RIG_HOST } from "../testing/tcp-rig.ts";
import type { TcpLimits } from "./tcp-options.ts";
import { TcpPeerLink } from "./tcp-peer-link.ts";

const [SEED, NEWCOMER, OTHER] = [brokerId(1), brokerId(4), brokerId(5)];
const HI = [new Uint8Array([7])];
const REDIAL_MS = 20;

interface Member {
  readonly link: TcpPeerLink;
  readonly handler: RecordingPeerHandler;
  readonly port: number;
}

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 8_000, interval: 2 }).toBe(true);
}

/** A broker that nobody was told of; its hello says where it listens. */
async function startMember(
  id: BrokerId,
  options: { readonly directoryId?: string; readonly limits?: Partial<TcpLimits> } = {},
): Promise<Member> {
  const link = new TcpPeerLink({
    listen: { host: RIG_HOST, port: 0 },
    timers: machineTimers,
    random: machineRandom,
    logger: silentLogger,
    limits: { redialMinMs: REDIAL_MS, redialMaxMs: REDIAL_MS, ...options.limits },
  });
  const handler = new RecordingPeerHandler();
  const { directoryId = `directory-${id}` } = options;
  const hello = { ...testHello(id), directoryId };
  link.setHello(hello);
  const { port } = await link.start(handler);
  link.setHello({ ...hello, address: { host: RIG_HOST, port } });
  closing.push(() => link.stop());
  return { link, handler, port };
}

function tell({ link }: Member, id: BrokerId, { port }: Pick<Member, "port">): void {
  link.setPeers(new Map([[id, { host: RIG_HOST, port }]]));
}

/** A seed, and a newcomer that dials it and is answered. */
async function startBoth(limits: Partial<TcpLimits> = {}): Promise<readonly [Member, Member]> {
  const [seed, newcomer] = [await startMember(SEED, { limits }), await startMember(NEWCOMER)];
  tell(newcomer, SEED, seed);
  await until(() => seed.link.isUp(NEWCOMER) && newcomer.link.isUp(SEED));
  return [seed, newcomer];
}

/** Counts whoever dials it, and says nothing. */
async function startMute(): Promise<{ readonly port: number; dialledCount: number }> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    mute.dialledCount++;
    sockets.push(socket.on("error", () => {}));
    socket.destroy();
  }).listen(0, RIG_HOST);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const mute = { port, dialledCount: 0 };
  closing.push(() => server.close());
  return mute;
}

/** A connection that says one hello. */
async function greet(port: number, hello: PeerHello): Promise<{ socket: Socket; answer: string }> {
  const socket = connect({ host: RIG_HOST, port }).on("error", () => {});
  closing.push(() => socket.destroy());
  socket.write(encodeHandshake({ type: "hello", lane: "bulk", hello }));
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.resume();
  return { socket, answer: answer.toString("latin1") };
}

describe("a broker that a link was not told of", () => {
  it("is answered where its hello says, on both lanes", async () => {
    const [seed, newcomer] = await startBoth();
    for (const lane of ["control", "bulk"] as const) {
      expect(newcomer.link.send(SEED, lane, PEER_MESSAGE.request, HI)).toBe("sent");
      await until(() => seed.handler.messages(lane).length === 1);
      expect(seed.link.send(NEWCOMER, lane, PEER_MESSAGE.response, HI)).toBe("sent");
      await until(() => newcomer.handler.messages(lane).length === 1);
    }
  });

  it("keeps its connection when the link is told of it, and follows the address told", async () => {
    const [seed, newcomer] = await startBoth();
    const before = seed.handler.events.length;
    tell(seed, NEWCOMER, newcomer);
    await delay(5 * REDIAL_MS);
    expect(seed.handler.events.length).toBe(before);
    expect(seed.link.isUp(NEWCOMER)).toBe(true);
    const moved = await startMute();
    tell(seed, NEWCOMER, moved);
    await until(() => moved.dialledCount > 0);
    expect(seed.link.isUp(NEWCOMER)).toBe(false);
  });

  it("is not dialled any more once it has gone", async () => {
    const seed = await startMember(SEED);
    const mute = await startMute();
    const hello = { ...testHello(NEWCOMER), address: { host: RIG_HOST, port: mute.port } };
    const { socket } = await greet(seed.port, hello);
    await until(() => mute.dialledCount >= 4);
    socket.destroy();
    await delay(3 * REDIAL_MS);
    const { dialledCount } = mute;
    await delay(10 * REDIAL_MS);
    expect(mute.dialledCount).toBe(dialledCount);
  });

  it("is dialled in the rhythm of redials and no faster, however wrong its address", async () => {
    const seed = await startMember(SEED, { limits: { redialMinMs: 100, redialMaxMs: 100 } });
    const mute = await startMute();
    const hello = { ...testHello(NEWCOMER), address: { host: RIG_HOST, port: mute.port } };
    await greet(seed.port, hello);
    await delay(450);
    // Two lanes: the first dial, the redial at once, and one each 50 to 100 ms.
    expect(mute.dialledCount).toBeGreaterThanOrEqual(4);
    expect(mute.dialledCount).toBeLessThanOrEqual(2 * (2 + 9));
    expect(seed.link.isUp(NEWCOMER)).toBe(false);
  });

  it("is answered again after it came back on another port", async () => {
    const [seed, newcomer] = await startBoth();
    await newcomer.link.stop();
    await until(() => !seed.link.isUp(NEWCOMER));
    const again = await startMember(NEWCOMER);
    expect(again.port).not.toBe(newcomer.port);
    tell(again, SEED, seed);
    await until(() => seed.link.isUp(NEWCOMER));
    seed.link.send(NEWCOMER, "control", PEER_MESSAGE.response, HI);
    await until(() => again.handler.messages("control").length === 1);
  });

  it("is not driven out by another one that was given the same number", async () => {
    const [seed, newcomer] = await startBoth();
    const before = seed.handler.events.length;
    const second = await startMember(NEWCOMER, { directoryId: "another" });
    tell(second, SEED, seed);
    await until(() => second.handler.downReasons().includes("rejected"));
    await delay(5 * REDIAL_MS);
    expect(seed.handler.events.length).toBe(before);
    expect(newcomer.link.isUp(SEED)).toBe(true);
    expect(second.link.isUp(SEED)).toBe(false);
    await newcomer.link.stop();
    await until(() => second.link.isUp(SEED) && seed.link.isUp(NEWCOMER));
  });

  it("is refused with a reason beyond the number of guests, and let in once there is room", async () => {
    const [seed, newcomer] = await startBoth({ guestCountMax: 1 });
    const address = { host: RIG_HOST, port: 1 };
    const { answer } = await greet(seed.port, { ...testHello(OTHER), address });
    expect(answer).toContain("1 brokers that are not registered are connected");
    const other = await startMember(OTHER);
    tell(other, SEED, seed);
    await until(() => other.handler.downReasons().includes("rejected"));
    tell(seed, NEWCOMER, newcomer);
    await until(() => seed.link.isUp(OTHER) && other.link.isUp(SEED));
    expect(seed.link.isUp(NEWCOMER)).toBe(true);
  });

  it("is heard and not dialled without an address", async () => {
    const seed = await startMember(SEED);
    const { socket, answer } = await greet(seed.port, testHello(NEWCOMER));
    expect(answer).toContain("directory-1");
    socket.write(new Uint8Array([0, 0, 0, 2, PEER_MESSAGE.request, 7]));
    await until(() => seed.handler.messages("bulk").length === 1);
    expect(seed.link.send(NEWCOMER, "bulk", PEER_MESSAGE.response, HI)).toBe("down");
    expect(seed.handler.events.map(({ type }) => type)).toEqual(["message"]);
  });

  it("is dialled only after the checks of its hello, and is nobody when another one answers", async () => {
    const seed = await startMember(SEED);
    const mute = await startMute();
    const address = { host: RIG_HOST, port: mute.port };
    await greet(seed.port, { ...testHello(NEWCOMER), clusterId: "other", address });
    seed.handler.refusal = "not this directory";
    await greet(seed.port, { ...testHello(NEWCOMER), address });
    await delay(5 * REDIAL_MS);
    expect(mute.dialledCount).toBe(0);
    seed.handler.refusal = undefined;
    const other = await startMember(OTHER);
    const elsewhere = { host: RIG_HOST, port: other.port };
    await greet(seed.port, { ...testHello(NEWCOMER), address: elsewhere });
    await until(() => seed.handler.downReasons().includes("rejected"));
    expect(seed.link.isUp(NEWCOMER) || seed.link.isUp(OTHER)).toBe(false);
  });
});
