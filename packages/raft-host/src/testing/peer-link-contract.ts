import { assert, type BrokerId, brokerId } from "@stratalog/base";
import { PEER_MESSAGE, type PeerHello, type PeerLink } from "../ports/peer-link.ts";
import type { ContractCase } from "./contract-case.ts";
import { RecordingPeerHandler } from "./recording-peer-handler.ts";

/** Two brokers joined by the peer links under test. Broker 1 is never stopped, broker 2 may be. */
export interface PeerLinkRig {
  link(broker: BrokerId): PeerLink;
  /** Starts a broker with this handler and makes it know the other one. */
  start(broker: BrokerId, handler: RecordingPeerHandler): Promise<void>;
  /** Ends a broker as a crash of its process would. */
  crash(broker: BrokerId): Promise<void>;
  /** Lets time pass until the condition holds; throws when it does not within a few seconds. */
  until(condition: () => boolean): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

const FIRST = brokerId(1);
const SECOND = brokerId(2);

/** A hello for tests. */
export function testHello(broker: BrokerId, incarnation = "first"): PeerHello {
  return {
    protocolVersion: 1,
    clusterId: "cluster",
    brokerId: broker,
    directoryId: `directory-${broker}`,
    incarnation,
  };
}

type Scenario = (
  rig: PeerLinkRig,
  first: RecordingPeerHandler,
  second: RecordingPeerHandler,
) => Promise<void>;

/** What every PeerLink promises. `create` makes a rig with nothing started. */
export function peerLinkContract(create: () => PeerLinkRig): readonly ContractCase[] {
  const scenario = (name: string, body: Scenario): ContractCase => ({
    name,
    async run() {
      const rig = create();
      try {
        const [first, second] = [new RecordingPeerHandler(), new RecordingPeerHandler()];
        await body(rig, first, second);
      } finally {
        await rig.close();
      }
    },
  });
  return [
    scenario("both sides learn that the other is up, with its hello", bothUp),
    scenario("messages arrive whole and in order on each lane", inOrder),
    scenario("a message sent while nothing is connected is down, not queued", downBefore),
    scenario("a crashed peer is closed and then refused", closedThenRefused),
    scenario("a peer that comes back is up again and messages flow", comesBack),
    scenario("a lane over its budget is full, takes nothing, and drains", fullThenDrained),
    scenario("a refused hello leaves the peer down as rejected", refusedHello),
  ];
}

async function startBoth(
  rig: PeerLinkRig,
  first: RecordingPeerHandler,
  second: RecordingPeerHandler,
): Promise<void> {
  await rig.start(FIRST, first);
  await rig.start(SECOND, second);
  await rig.until(() => rig.link(FIRST).isUp(SECOND) && rig.link(SECOND).isUp(FIRST));
}

const bothUp: Scenario = async (rig, first, second) => {
  await startBoth(rig, first, second);
  const up = first.events.find((event) => event.type === "up");
  assert(up?.peer === SECOND, "the first broker sees the second");
  assert(up.hello.directoryId === "directory-2", "the hello is the other side's");
  assert(
    second.events.some((event) => event.type === "up" && event.peer === FIRST),
    "the second broker sees the first",
  );
};

const inOrder: Scenario = async (rig, first, second) => {
  await startBoth(rig, first, second);
  const sizes = [0, 1, 100, 1024, 1025, 70_000, 3, 200_000, 0];
  for (const [index, size] of sizes.entries()) {
    const parts = [new Uint8Array([index]), new Uint8Array(size).fill(index)];
    for (const lane of ["control", "bulk"] as const) {
      const result = rig.link(FIRST).send(SECOND, lane, PEER_MESSAGE.raft, parts);
      assert(result === "sent", `send on ${lane} was ${result}`);
    }
  }
  for (const lane of ["control", "bulk"] as const) {
    await rig.until(() => second.messages(lane).length === sizes.length);
    for (const [index, payload] of second.messages(lane).entries()) {
      assert(payload.length === (sizes[index] ?? 0) + 1, `length of message ${index}`);
      assert(
        payload.every((byte) => byte === index),
        `bytes of message ${index}`,
      );
    }
  }
};

const downBefore: Scenario = async (rig, first, second) => {
  await rig.start(FIRST, first);
  const result = rig.link(FIRST).send(SECOND, "bulk", PEER_MESSAGE.raft, [new Uint8Array(3)]);
  assert(result === "down", `send was ${result}`);
  await rig.start(SECOND, second);
  await rig.until(() => rig.link(FIRST).isUp(SECOND));
  rig.link(FIRST).send(SECOND, "bulk", PEER_MESSAGE.raft, [new Uint8Array(4)]);
  await rig.until(() => second.messages("bulk").length > 0);
  assert(second.messages("bulk")[0]?.length === 4, "only the later message arrives");
};

const closedThenRefused: Scenario = async (rig, first, second) => {
  await startBoth(rig, first, second);
  first.events.length = 0;
  await rig.crash(SECOND);
  await rig.until(() => first.downReasons().includes("refused"));
  assert(first.downReasons()[0] === "closed", `first reason ${first.downReasons()[0]}`);
  assert(!rig.link(FIRST).isUp(SECOND), "the peer is down");
};

const comesBack: Scenario = async (rig, first, second) => {
  await startBoth(rig, first, second);
  first.events.length = 0;
  await rig.crash(SECOND);
  await rig.until(() => first.downReasons().length > 0);
  const again = new RecordingPeerHandler();
  await rig.start(SECOND, again);
  await rig.until(() => rig.link(FIRST).isUp(SECOND) && rig.link(SECOND).isUp(FIRST));
  rig.link(FIRST).send(SECOND, "control", PEER_MESSAGE.raft, [new Uint8Array([9])]);
  rig.link(SECOND).send(FIRST, "bulk", PEER_MESSAGE.raft, [new Uint8Array([8])]);
  await rig.until(() => again.messages("control").length === 1);
  await rig.until(() => first.messages("bulk").length === 1);
};

const fullThenDrained: Scenario = async (rig, first, second) => {
  await startBoth(rig, first, second);
  const part = new Uint8Array(512 * 1024);
  let sentCount = 0;
  for (; sentCount < 1000; sentCount++) {
    const result = rig.link(FIRST).send(SECOND, "bulk", PEER_MESSAGE.raft, [part]);
    if (result !== "sent") {
      assert(result === "full", `send was ${result}`);
      break;
    }
  }
  assert(sentCount < 1000, "a budget exists");
  await rig.until(() => first.events.some((event) => event.type === "drained"));
  await rig.until(() => second.messages("bulk").length === sentCount);
  const result = rig.link(FIRST).send(SECOND, "bulk", PEER_MESSAGE.raft, [part]);
  assert(result === "sent", `send after the drain was ${result}`);
};

const refusedHello: Scenario = async (rig, first, second) => {
  second.refusal = "not welcome here";
  await rig.start(FIRST, first);
  await rig.start(SECOND, second);
  await rig.until(() => first.downReasons().includes("rejected"));
  assert(!rig.link(FIRST).isUp(SECOND), "the peer stays down");
  assert(!second.events.some((event) => event.type === "up"), "nor is it up at the refusing side");
};
