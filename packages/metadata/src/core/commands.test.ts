import { brokerId, type ErrorCode, SeededRandom, type TopicId } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { type ControllerCommand, handle } from "./controller-command.ts";
import { emptyImage, type MetadataImage, topicByName } from "./image.ts";
import { replayAll } from "./replay.ts";

const CLUSTER = "00000000-0000-4000-8000-0000000000c1";
const random = new SeededRandom(7);
let topicCounter = 0;

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

function run(image: MetadataImage, command: ControllerCommand) {
  const result = handle(image, command, { random });
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return {
    image: replayAll(image, result.records),
    response: result.response,
    records: result.records,
  };
}

function refusal(image: MetadataImage, command: ControllerCommand): [ErrorCode, string] {
  const result = handle(image, command, { random });
  if (result.ok) throw new Error("accepted");
  return [result.code, result.message];
}

function register(
  id: number,
  options: { incarnation?: number; directory?: number; rack?: string } = {},
) {
  return {
    type: "register-broker" as const,
    clusterId: CLUSTER as never,
    brokerId: brokerId(id),
    directoryId: uuid(options.directory ?? id) as never,
    incarnation: uuid(options.incarnation ?? 100 + id),
    ...(options.rack === undefined ? {} : { rack: options.rack }),
    clientListeners: [{ name: "client", host: "127.0.0.1", port: 9095 + id }],
    peerAddress: { host: "127.0.0.1", port: 9093 + id },
  };
}

function cluster(size: number): MetadataImage {
  let image = run(emptyImage(), {
    type: "form-cluster",
    clusterId: CLUSTER as never,
    voters: [],
  }).image;
  for (let id = 1; id <= size; id++) {
    image = run(image, register(id)).image;
    const brokerEpoch = image.brokers.get(brokerId(id))?.brokerEpoch ?? 0;
    image = run(image, { type: "unfence-broker", brokerId: brokerId(id), brokerEpoch }).image;
  }
  return image;
}

function create(
  name: string,
  rest: Partial<Extract<ControllerCommand, { type: "create-topic" }>> = {},
) {
  topicCounter += 1;
  return { type: "create-topic" as const, topicId: uuid(topicCounter) as TopicId, name, ...rest };
}

describe("create-topic", () => {
  it.each([
    ["", "must not be empty"],
    [".", "cannot be named"],
    ["..", "cannot be named"],
    ["a/b", "letters, digits"],
    ["a\u0000b", "letters, digits"],
    ["größe", "letters, digits"],
    ["a".repeat(250), "at most 249"],
    ["__groups", "reserved"],
  ])("refuses the name %j", (name, why) => {
    const [code, message] = refusal(cluster(1), create(name));
    expect(code).toBe("INVALID_TOPIC");
    expect(message).toContain(why);
  });

  it.each([
    ["orders.new", "orders_new"],
    ["orders_new", "orders.new"],
    ["a.b_c", "a_b.c"],
  ])("refuses %j beside %j, and takes it when that is gone", (name, existing) => {
    const { image } = run(cluster(1), create(existing));
    const [code, message] = refusal(image, create(name));
    expect(code).toBe("INVALID_TOPIC");
    expect(message).toContain(existing);
    const others = ["ordersnew", "orders-new", "orders.new.", `x${name}`];
    for (const other of others) expect(run(image, create(other)).image.topics.size).toBe(2);
    const { image: without } = run(image, { type: "delete-topic", name: existing });
    expect(run(without, create(name)).image.topics.size).toBe(1);
  });

  it("takes names of 249 characters and internal names from inside", () => {
    const { image } = run(cluster(1), create("a".repeat(249)));
    expect(image.topics.size).toBe(1);
    const internal = run(image, create("__groups", { kind: "coordinator", partitionCount: 8 }));
    expect(topicByName(internal.image, "__groups")?.partitions).toHaveLength(8);
  });

  it.each([
    [{ partitionCount: 0 }, "INVALID_PARTITIONS"],
    [{ partitionCount: 2_001 }, "INVALID_PARTITIONS"],
    [{ replicationFactor: 0 }, "INVALID_REPLICATION_FACTOR"],
    [{ replicationFactor: 4 }, "INVALID_REPLICATION_FACTOR"],
    [{ config: { "retention.hours": "1" } }, "INVALID_CONFIG"],
    [{ config: { "retention.ms": "soon" } }, "INVALID_CONFIG"],
    [{ config: { "retention.ms": "0" } }, "INVALID_CONFIG"],
    [{ config: { "segment.bytes": "-1" } }, "INVALID_CONFIG"],
    [{ config: { "cleanup.policy": "compact" } }, "INVALID_CONFIG"],
  ] as const)("refuses %j with %s", (rest, code) => {
    expect(refusal(cluster(3), create("orders", rest))[0]).toBe(code);
  });

  it("refuses a name that exists, but answers a repeated request as the first", () => {
    const command = create("orders", { partitionCount: 3 });
    const first = run(cluster(3), command);
    expect(first.response).toMatchObject({ partitionCount: 3, replicationFactor: 3 });
    const again = run(first.image, command);
    expect(again.records).toEqual([]);
    expect(again.response).toEqual(first.response);
    expect(refusal(first.image, create("orders"))[0]).toBe("TOPIC_ALREADY_EXISTS");
  });

  it("refuses an id that another topic has", () => {
    const first = create("a");
    const { image } = run(cluster(1), first);
    expect(refusal(image, { ...first, name: "b" })).toEqual([
      "INVALID_REQUEST",
      `topic id ${first.topicId} is in use by another topic`,
    ]);
  });

  it("defaults to one replica below three brokers", () => {
    const { image } = run(cluster(2), create("orders"));
    expect(topicByName(image, "orders")?.replicationFactor).toBe(1);
  });

  it("waits for the brokers that the cluster was formed with", () => {
    const voters = [1, 2, 3].map(brokerId);
    const formed = run(emptyImage(), { type: "form-cluster", clusterId: CLUSTER as never, voters });
    const image = run(formed.image, register(1)).image;
    expect(refusal(image, create("orders"))[0]).toBe("BROKER_NOT_AVAILABLE");
    expect(refusal(image, create("orders", { replicationFactor: 3 }))[0]).toBe(
      "BROKER_NOT_AVAILABLE",
    );
    expect(refusal(image, create("orders", { replicationFactor: 4 }))[0]).toBe(
      "INVALID_REPLICATION_FACTOR",
    );
  });

  it("waits for a broker that is not fenced", () => {
    let image = cluster(1);
    const { brokerEpoch } = image.brokers.get(brokerId(1)) ?? { brokerEpoch: 0 };
    image = run(image, { type: "fence-broker", brokerId: brokerId(1), brokerEpoch }).image;
    expect(refusal(image, create("orders"))[0]).toBe("BROKER_NOT_AVAILABLE");
  });
});

describe("changing topics", () => {
  it("grows only, with groups and epochs never used before", () => {
    const before = run(cluster(3), create("orders", { partitionCount: 2 })).image;
    const add = (partitionCount: number) => ({
      type: "add-partitions" as const,
      name: "orders",
      partitionCount,
    });
    expect(refusal(before, add(2))[0]).toBe("INVALID_PARTITIONS");
    expect(refusal(before, add(1))[0]).toBe("INVALID_PARTITIONS");
    const { image, response } = run(before, add(5));
    expect(response).toEqual({ previousPartitionCount: 2, partitionCount: 5 });
    const partitions = topicByName(image, "orders")?.partitions ?? [];
    expect(partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(partitions.map(({ group }) => group)).size).toBe(5);
    expect(partitions[4]?.replicas[0]?.replicaEpoch).toBeGreaterThan(
      partitions[0]?.replicas[0]?.replicaEpoch ?? 0,
    );
  });

  it("sets and resets configuration", () => {
    const set = { "retention.ms": "60000", "max.message.bytes": "2097152" };
    let image = run(cluster(1), create("orders")).image;
    image = run(image, { type: "alter-topic-config", name: "orders", set, reset: [] }).image;
    const { response } = run(image, {
      type: "alter-topic-config",
      name: "orders",
      set: { "retention.bytes": "5000" },
      reset: ["retention.ms"],
    });
    expect(response).toEqual({
      config: { "max.message.bytes": "2097152", "retention.bytes": "5000" },
    });
  });

  it("deletes a topic, whose name then is free for another one", () => {
    let image = run(cluster(1), create("orders")).image;
    const first = topicByName(image, "orders");
    image = run(image, { type: "delete-topic", name: "orders" }).image;
    expect(refusal(image, { type: "delete-topic", name: "orders" })[0]).toBe(
      "UNKNOWN_TOPIC_OR_PARTITION",
    );
    image = run(image, create("orders")).image;
    const second = topicByName(image, "orders");
    expect(second?.topicId).not.toBe(first?.topicId);
    expect(second?.partitions[0]?.group).toBe(2);
  });

  it("keeps internal topics out of users' hands", () => {
    const { image } = run(cluster(1), create("__groups", { kind: "coordinator" }));
    expect(refusal(image, { type: "delete-topic", name: "__groups" })[0]).toBe("INVALID_TOPIC");
  });
});

describe("brokers", () => {
  it("register fenced, anew at each start, and once per start", () => {
    const image = cluster(1);
    const repeated = run(image, register(1));
    expect(repeated.records).toEqual([]);
    const restarted = run(image, register(1, { incarnation: 900 }));
    expect(restarted.image.brokers.get(brokerId(1))).toMatchObject({ isFenced: true });
    expect(restarted.response).not.toEqual(repeated.response);
  });

  it("cannot come back with another data directory or from another cluster", () => {
    const image = cluster(1);
    expect(refusal(image, register(1, { directory: 77, incarnation: 5 }))[1]).toContain(
      "start it with its own data directory",
    );
    const stranger = { ...register(2), clusterId: uuid(5) as never };
    const [code, message] = refusal(image, stranger);
    expect(code).toBe("CLUSTER_ID_MISMATCH");
    expect(message).toContain(CLUSTER);
    expect(message).toContain(uuid(5));
  });

  it("are fenced by their current registration only", () => {
    const image = cluster(1);
    const stale = { type: "fence-broker" as const, brokerId: brokerId(1), brokerEpoch: 999 };
    expect(refusal(image, stale)[0]).toBe("INVALID_REQUEST");
  });

  it("get blocks of producer ids that never overlap", () => {
    const command = { type: "allocate-producer-ids" as const, brokerId: brokerId(1) };
    const first = run(cluster(1), command);
    const second = run(first.image, command);
    expect(first.response).toEqual({ firstProducerId: 1, count: 1_000 });
    expect(second.response).toEqual({ firstProducerId: 1_001, count: 1_000 });
  });
});
