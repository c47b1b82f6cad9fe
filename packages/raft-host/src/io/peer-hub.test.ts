import { type BrokerId, brokerId, CodedError, deferred, silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { MalformedMessageError } from "../core/malformed-message-error.ts";
import { PEER_MESSAGE } from "../ports/peer-link.ts";
import { MemoryPeerNetwork } from "../testing/memory-peer-network.ts";
import { PeerHub } from "./peer-hub.ts";

const [FIRST, SECOND] = [brokerId(1), brokerId(2)];
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

interface Pair {
  readonly time: ManualTime;
  readonly network: MemoryPeerNetwork;
  readonly first: PeerHub;
  readonly second: PeerHub;
}

async function createPair(): Promise<Pair> {
  const time = new ManualTime();
  const network = new MemoryPeerNetwork(time);
  const create = (self: BrokerId): PeerHub =>
    new PeerHub({ self, link: network.link(self), timers: time, logger: silentLogger });
  const [first, second] = [create(FIRST), create(SECOND)];
  await first.start();
  await second.start();
  return { time, network, first, second };
}

describe("PeerCalls", () => {
  it("bring the answer back, also from the broker itself", async () => {
    const { time, first, second } = await createPair();
    const double = (_from: BrokerId, body: Uint8Array): Promise<Uint8Array> =>
      Promise.resolve(body.map((byte) => byte * 2));
    first.calls.handle("double", double);
    second.calls.handle("double", double);
    for (const peer of [FIRST, SECOND]) {
      const answer = first.calls.call(peer, "double", bytes(1, 2), { timeoutMs: 100 });
      await time.advanceAsync(10);
      expect(await answer).toEqual(bytes(2, 4));
    }
    expect(time.pendingCount).toBe(0);
  });

  it("bring errors over with code, message and details", async () => {
    const { time, first, second } = await createPair();
    second.calls.handle("fail", () =>
      Promise.reject(new CodedError("NOT_LEADER", "ask broker 3", { details: { leader: 3 } })),
    );
    second.calls.handle("bug", () => Promise.reject(new Error("oops")));
    const failed = expect(
      first.calls.call(SECOND, "fail", bytes(), { timeoutMs: 100 }),
    ).rejects.toMatchObject({
      code: "NOT_LEADER",
      message: "ask broker 3",
      details: { leader: 3 },
    });
    const bug = expect(
      first.calls.call(SECOND, "bug", bytes(), { timeoutMs: 100 }),
    ).rejects.toMatchObject({ code: "INTERNAL" });
    const unknown = expect(
      first.calls.call(SECOND, "nothing", bytes(), { timeoutMs: 100 }),
    ).rejects.toMatchObject({ code: "BROKER_NOT_AVAILABLE" });
    await time.advanceAsync(10);
    await Promise.all([failed, bug, unknown]);
  });

  it("end by their timeout, their signal, or the loss of the connection", async () => {
    const { time, network, first, second } = await createPair();
    second.calls.handle("never", () => new Promise(() => {}));
    const abort = new AbortController();
    const call = (signal?: AbortSignal): Promise<Uint8Array> =>
      first.calls.call(SECOND, "never", bytes(), { timeoutMs: 50, ...(signal && { signal }) });
    const late = expect(call()).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" });
    const aborted = expect(call(abort.signal)).rejects.toMatchObject({ code: "ABORTED" });
    abort.abort();
    await aborted;
    await time.advanceAsync(60);
    await late;
    await time.advanceAsync(5);
    const lost = expect(call()).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" });
    await network.node(SECOND)?.stop();
    network.announceDown(SECOND, ["closed"]);
    await lost;
    await expect(call()).rejects.toMatchObject({ code: "BROKER_NOT_AVAILABLE" });
    await time.advanceAsync(5);
    expect(time.pendingCount).toBe(0);
  });

  it("take no answer that was meant for the process before", async () => {
    const { time, network, first, second } = await createPair();
    const slow = deferred<Uint8Array>();
    second.calls.handle("slow", () => slow.promise);
    second.calls.handle("never", () => new Promise(() => {}));
    const before = first.calls.call(SECOND, "slow", bytes(), { timeoutMs: 50 });
    await time.advanceAsync(5);
    const link = network.link(FIRST);
    const again = new PeerHub({
      self: FIRST,
      link,
      timers: time,
      logger: silentLogger,
      firstCorrelation: 123_456_789_012,
    });
    await again.start();
    const after = again.calls.call(SECOND, "never", bytes(), { timeoutMs: 50 });
    const both = [before, after].map((call) =>
      expect(call).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" }),
    );
    slow.resolve(bytes(1));
    await time.advanceAsync(100);
    await Promise.all(both);
  });
});

describe("Gossip", () => {
  it("reaches every broker that is up, by topic", async () => {
    const { time, first, second } = await createPair();
    const heard: unknown[] = [];
    second.gossip.on("leaders", (from, body) => heard.push([from, ...body]));
    first.gossip.broadcast("leaders", bytes(7));
    first.gossip.broadcast("other", bytes(8));
    await time.advanceAsync(5);
    expect(heard).toEqual([[FIRST, 7]]);
  });
});

describe("PeerHub", () => {
  it("refuses malformed requests, responses and gossip by an error that closes the connection", async () => {
    const { network, second } = await createPair();
    expect(second.peersUp().has(FIRST)).toBe(true);
    const handler = network.node(SECOND)?.handler;
    for (const kind of [PEER_MESSAGE.request, PEER_MESSAGE.response, PEER_MESSAGE.gossip]) {
      const deliver = (): void => handler?.onMessage(FIRST, "control", kind, bytes(0xff));
      expect(deliver).toThrow(MalformedMessageError);
    }
  });

  it("drops Raft messages of brokers that are no members, and answers their calls", async () => {
    const network = new MemoryPeerNetwork(new ManualTime());
    const heard: BrokerId[] = [];
    const hub = new PeerHub({
      self: SECOND,
      link: network.link(SECOND),
      timers: new ManualTime(),
      logger: silentLogger,
      isMember: (broker) => broker !== FIRST,
    });
    hub.attach({
      handlePeerMessage: (from) => heard.push(from),
      onPeerUp: () => {},
      onPeerDown: () => {},
      onDrained: () => {},
    });
    await hub.start();
    const served: BrokerId[] = [];
    hub.calls.handle("join", (from) => {
      served.push(from);
      return Promise.resolve(bytes());
    });
    const handler = network.node(SECOND)?.handler;
    const third = brokerId(3);
    for (const from of [FIRST, third]) {
      handler?.onMessage(from, "control", PEER_MESSAGE.raft, bytes(1));
      handler?.onMessage(
        from,
        "control",
        PEER_MESSAGE.request,
        bytes(1, 4, ...Buffer.from("join")),
      );
    }
    expect(heard).toEqual([third]);
    expect(served).toEqual([FIRST, third]);
  });
});
