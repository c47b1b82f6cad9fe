import { brokerId, encodeJson, type TopicId } from "@stratalog/base";
import { beforeEach, describe, expect, it } from "vitest";
import { topicByName } from "@stratalog/metadata";
import { CONTROLLER_SUBMIT } from "./controller-server.ts";
import { type ControllerBroker, ControllerCluster } from "./testing/controller-cluster.ts";

let cluster: ControllerCluster;
let one: ControllerBroker;
let two: ControllerBroker;
let three: ControllerBroker;
let observer: ControllerBroker;

beforeEach(async () => {
  cluster = new ControllerCluster([1, 2, 3]);
  one = await cluster.start(1);
  two = await cluster.start(2);
  three = await cluster.start(3);
  observer = await cluster.start(4);
  cluster.elect(one);
});

/** How a promise stands after some time has passed. */
async function after<T>(durationMs: number, promise: Promise<T>): Promise<string> {
  let outcome = "waiting";
  promise.then(
    (value) => {
      outcome = JSON.stringify(value) ?? "done";
    },
    (error: { code: string }) => {
      outcome = error.code;
    },
  );
  await cluster.time.advanceAsync(durationMs);
  return outcome;
}

async function registerAll(): Promise<void> {
  const brokers = [one, two, three, observer];
  const registered = Promise.all(brokers.map((broker) => cluster.register(broker)));
  expect(await after(3_000, registered)).not.toContain("waiting");
}

function fenced(broker: ControllerBroker): number[] {
  const { brokers } = broker.node.view.image;
  return [...brokers.values()].filter(({ isFenced }) => isFenced).map((one) => one.brokerId);
}

let topicNumber = 0;
function create(name: string) {
  topicNumber += 1;
  const topicId = `00000000-0000-4000-8000-${String(topicNumber).padStart(12, "0")}` as TopicId;
  return { type: "create-topic" as const, topicId, name, partitionCount: 3 };
}

describe("ControllerNode", () => {
  it("sends commands of others on to where the controller is", async () => {
    await registerAll();
    const body = encodeJson(create("orders"));
    const calls = cluster.network.calls(brokerId(9));
    const answer = calls.call(brokerId(2), CONTROLLER_SUBMIT, body, { timeoutMs: 1_000 });
    const refused = expect(answer).rejects.toMatchObject({
      code: "NOT_CONTROLLER",
      details: { leaderId: 1 },
    });
    await cluster.time.advanceAsync(100);
    await refused;
  });

  it("forms the cluster's metadata, registers brokers and shows them to all", async () => {
    await registerAll();
    for (const { node } of [one, two, three, observer]) {
      expect(node.view.isFormed).toBe(true);
      expect([...node.view.image.brokers.keys()].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    }
    await cluster.time.advanceAsync(1_000);
    expect(fenced(observer)).toEqual([]);
    expect(one.node.isController).toBe(true);
    expect(two.node.isController).toBe(false);
  });

  it("takes commands from any broker, also one that does not vote", async () => {
    await registerAll();
    for (const [broker, name] of [
      [one, "a"],
      [two, "b"],
      [observer, "c"],
    ] as const) {
      const created = broker.node.client.submit(create(name), { timeoutMs: 5_000 });
      expect(await after(500, created)).toContain(`"name":"${name}"`);
    }
    await cluster.time.advanceAsync(100);
    for (const { node } of [one, two, three, observer]) {
      expect(node.view.image.topics.size).toBe(3);
      expect(topicByName(node.view.image, "c")?.partitions).toHaveLength(3);
    }
  });

  it("passes refusals through as they are", async () => {
    await registerAll();
    const refused = observer.node.client.submit(create("bad/name"), { timeoutMs: 5_000 });
    expect(await after(500, refused)).toBe("INVALID_TOPIC");
  });

  it("finds the next controller after a failover, and repeats what can be repeated", async () => {
    await registerAll();
    const created = observer.node.client.submit(create("orders"), { timeoutMs: 5_000 });
    await cluster.time.advanceAsync(2);
    cluster.network.take(brokerId(1));
    cluster.elect(three);
    expect(await after(4_500, created)).toContain("orders");
    await cluster.time.advanceAsync(6_000);
    expect(observer.node.view.image.topics.size).toBe(1);
  });

  it("says so when no controller answers in time", async () => {
    await registerAll();
    for (const id of [1, 2, 3]) cluster.network.take(brokerId(id));
    const created = observer.node.client.submit(create("orders"), { timeoutMs: 2_000 });
    expect(await after(3_000, created)).toBe("CONTROLLER_NOT_AVAILABLE");
  });

  it("fences a broker that falls silent, and unfences it when it is back", async () => {
    await registerAll();
    await cluster.time.advanceAsync(1_000);
    cluster.network.take(brokerId(4));
    await cluster.time.advanceAsync(6_500);
    expect(fenced(one)).toEqual([]);
    await cluster.time.advanceAsync(4_000);
    expect(fenced(one)).toEqual([4]);
    cluster.network.bringBack(brokerId(4));
    await cluster.time.advanceAsync(4_000);
    expect(fenced(one)).toEqual([]);
  });

  it("gives every broker a whole session after a failover", async () => {
    await registerAll();
    await cluster.time.advanceAsync(1_000);
    cluster.network.take(brokerId(4));
    await cluster.time.advanceAsync(6_000);
    cluster.elect(two);
    await cluster.time.advanceAsync(7_000);
    expect(fenced(two)).toEqual([]);
    await cluster.time.advanceAsync(4_000);
    expect(fenced(two)).toEqual([4]);
  });

  it("fences a broker at once that says it stops", async () => {
    await registerAll();
    await cluster.time.advanceAsync(1_000);
    await after(100, observer.node.announceStop());
    expect(fenced(one)).toEqual([4]);
    await cluster.time.advanceAsync(5_000);
    expect(fenced(one)).toEqual([4]);
  });

  it("takes a restarted broker in again, and refuses its id with another directory", async () => {
    await registerAll();
    const epoch = one.node.view.image.brokers.get(brokerId(4))?.brokerEpoch;
    await observer.node.stop();
    const restarted = await cluster.start(4);
    await after(1_000, cluster.register(restarted, 2));
    expect(one.node.view.image.brokers.get(brokerId(4))?.brokerEpoch).toBeGreaterThan(epoch ?? 0);
    const impostor = await cluster.start(4);
    expect(await after(1_000, cluster.register(impostor, 3, 99))).toBe("INVALID_CONFIG");
  });

  it("ends a registration that waits, and an announcement that nobody answers", async () => {
    const alone = await cluster.start(6);
    for (const id of [1, 2, 3]) cluster.network.take(brokerId(id));
    const registered = cluster.register(alone);
    expect(await after(500, registered)).toBe("waiting");
    await alone.node.stop();
    expect(await after(7_000, registered)).toBe("CLOSED");
    for (const id of [1, 2, 3]) cluster.network.bringBack(brokerId(id));
    await registerAll();
    for (const id of [1, 2, 3]) cluster.network.take(brokerId(id));
    expect(await after(1_100, observer.node.announceStop())).toBe("done");
  });

  it("ends a registration whose answer comes after the stop", async () => {
    await registerAll();
    const late = await cluster.start(5);
    const registered = cluster.register(late);
    await late.node.stop();
    expect(await after(1_000, registered)).toBe("CLOSED");
    // It was registered all the same: only its own view never told.
    expect(one.node.view.image.brokers.has(brokerId(5))).toBe(true);
  });

  it("brings a broker that was away up to date, from the changes or from the whole", async () => {
    await registerAll();
    cluster.network.take(brokerId(4));
    const { client } = two.node;
    for (let i = 0; i < 20; i++) {
      await after(20, client.submit(create(`topic-${i}`), { timeoutMs: 1_000 }));
    }
    expect(observer.node.view.image.topics.size).toBe(0);
    cluster.network.bringBack(brokerId(4));
    await cluster.time.advanceAsync(11_000);
    expect(observer.node.view.image.topics.size).toBe(20);
    const fresh = await cluster.start(5);
    await cluster.time.advanceAsync(1_000);
    expect(fresh.node.view.image.topics.size).toBe(20);
    expect(fresh.node.view.appliedIndex).toBe(one.node.view.appliedIndex);
  });

  it("gives the whole image to a broker that misses what no voter keeps any more", async () => {
    await registerAll();
    cluster.network.take(brokerId(4));
    await after(50, two.node.client.submit(create("orders"), { timeoutMs: 1_000 }));
    await cluster.time.advanceAsync(10_000);
    for (const voter of [one, two, three]) {
      await voter.node.stop();
      if (voter.group !== undefined) cluster.raft.remove(voter.group);
    }
    const restarted = [];
    for (const { id, store } of [one, two, three]) {
      restarted.push(await cluster.start(id, store.crash()));
    }
    cluster.elect(restarted[0]!);
    cluster.network.bringBack(brokerId(4));
    await cluster.time.advanceAsync(6_000);
    expect(topicByName(observer.node.view.image, "orders")).toBeDefined();
  });

  it("has its state again after a restart from its snapshot", async () => {
    await registerAll();
    await after(100, two.node.client.submit(create("orders"), { timeoutMs: 1_000 }));
    await three.node.stop();
    const restarted = await cluster.start(3, three.store.crash());
    expect(topicByName(restarted.node.view.image, "orders")).toBeDefined();
    expect(cluster.fatal).toEqual([]);
  });
});
