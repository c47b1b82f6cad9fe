import { CodedError, CONTROLLER_GROUP } from "@stratalog/base";
import { callUnary } from "@stratalog/protocol";
import { describe, expect, it } from "vitest";
import { FakeCluster } from "../services/testing/fake-cluster.ts";
import { startApi } from "./testing/running-api.ts";

const options = () => ({ deadlineMs: Date.now() + 5_000 });

describe("the admin service", () => {
  it("creates a topic and describes it as soon as it answers", async () => {
    await using api = await startApi();
    const client = api.client("AdminService");
    const create = client.createTopic.bind(client);
    const config = [{ name: "retention.ms", value: "1000" }];
    const request = { name: "new", partitionCount: 3, replicationFactor: 2, config };
    const { topic } = await callUnary(create, request, options());
    expect(topic).toMatchObject({ name: "new", replicationFactor: 2, internal: false });
    expect(topic?.partitions.map((one) => one.replicaIds.length)).toEqual([2, 2, 2]);
    const retention = topic?.config.find((entry) => entry.name === "retention.ms");
    expect(retention).toMatchObject({ value: "1000", source: "CONFIG_SOURCE_TOPIC" });
    const segment = topic?.config.find((entry) => entry.name === "segment.bytes");
    expect(segment).toMatchObject({ value: "1073741824", source: "CONFIG_SOURCE_DEFAULT" });
    const again = callUnary(create, request, options());
    await expect(again).rejects.toMatchObject({ code: "TOPIC_ALREADY_EXISTS" });
    expect(api.cluster.listenerCount).toBe(0);
  });

  it.each([
    ["a slash", { name: "a/b" }, "INVALID_TOPIC"],
    ["two dots", { name: ".." }, "INVALID_TOPIC"],
    ["a control character", { name: "a\u0007" }, "INVALID_TOPIC"],
    ["250 characters", { name: "a".repeat(250) }, "INVALID_TOPIC"],
    ["a reserved name", { name: "__mine" }, "INVALID_TOPIC"],
    [
      "more replicas than brokers",
      { name: "a", replicationFactor: 4 },
      "INVALID_REPLICATION_FACTOR",
    ],
    ["too many partitions", { name: "a", partitionCount: 2 ** 31 }, "INVALID_PARTITIONS"],
    ["an unknown setting", { name: "a", config: [{ name: "x" }] }, "INVALID_CONFIG"],
    ["__proto__", { name: "a", config: [{ name: "__proto__", value: "1" }] }, "INVALID_CONFIG"],
    [
      "a setting given twice",
      { name: "a", config: [{ name: "x" }, { name: "x" }] },
      "INVALID_REQUEST",
    ],
  ])("refuses %s, also when only asked to check", async (_name, request, code) => {
    await using api = await startApi();
    const client = api.client("AdminService");
    const create = client.createTopic.bind(client);
    const topicCount = api.cluster.image.topics.size;
    for (const validateOnly of [true, false]) {
      const call = callUnary(create, { ...request, validateOnly }, options());
      await expect(call).rejects.toMatchObject({ code });
    }
    expect(api.cluster.image.topics.size).toBe(topicCount);
  });

  it("checks a topic without creating it", async () => {
    await using api = await startApi();
    const client = api.client("AdminService");
    const request = { name: "new", partitionCount: 3, validateOnly: true };
    const answer = await callUnary(client.createTopic.bind(client), request, options());
    expect(answer.topic).toMatchObject({ name: "new", topicId: "", partitions: [] });
    expect(api.cluster.image.topicIds.has("new")).toBe(false);
  });

  it("grows a topic with a warning, and shrinks none", async () => {
    await using api = await startApi();
    const client = api.client("AdminService");
    const add = client.addPartitions.bind(client);
    const grown = await callUnary(add, { name: "orders", partitionCount: 5 }, options());
    expect(grown.topic?.partitions).toHaveLength(5);
    expect(grown.warning).toContain("2 to 5");
    const shrunk = callUnary(add, { name: "orders", partitionCount: 1 }, options());
    await expect(shrunk).rejects.toMatchObject({ code: "INVALID_PARTITIONS" });
    const none = callUnary(add, { name: "nothing", partitionCount: 1 }, options());
    await expect(none).rejects.toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
  });

  it("sets and resets configuration", async () => {
    await using api = await startApi();
    const client = api.client("AdminService");
    const alter = client.alterTopicConfig.bind(client);
    const set = [{ name: "retention.bytes", value: "5" }];
    const one = await callUnary(alter, { name: "orders", set }, options());
    const entry = one.topic?.config.find(({ name }) => name === "retention.bytes");
    expect(entry).toMatchObject({ value: "5", source: "CONFIG_SOURCE_TOPIC" });
    const both = callUnary(alter, { name: "orders", set, reset: ["retention.bytes"] }, options());
    await expect(both).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    const two = await callUnary(alter, { name: "orders", reset: ["retention.bytes"] }, options());
    const reset = two.topic?.config.find(({ name }) => name === "retention.bytes");
    expect(reset).toMatchObject({ value: "-1", source: "CONFIG_SOURCE_DEFAULT" });
  });

  it("lists topics page by page, and deletes one", async () => {
    await using api = await startApi();
    for (const name of ["a", "b", "c"]) await api.cluster.addTopic(name, 1);
    const client = api.client("AdminService");
    const list = client.listTopics.bind(client);
    const first = await callUnary(list, { pageSize: 3 }, options());
    expect(first.topics.map((topic) => topic.name)).toEqual(["a", "b", "c"]);
    const next = { pageSize: 3, pageToken: first.nextPageToken };
    const second = await callUnary(list, next, options());
    expect(second.topics.map((topic) => topic.name)).toEqual(["orders"]);
    expect(second.nextPageToken).toBe("");
    const remove = client.deleteTopic.bind(client);
    const other = { name: "a", topicId: "00000000-0000-4000-8000-0000000000ff" };
    const wrong = callUnary(remove, other, options());
    await expect(wrong).rejects.toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
    await callUnary(remove, { name: "a" }, options());
    const prefixed = await callUnary(list, { prefix: "a" }, options());
    expect(prefixed.topics).toEqual([]);
  });

  it("describes the cluster", async () => {
    await using api = await startApi();
    api.cluster.lead(CONTROLLER_GROUP, 2, 9);
    const client = api.client("AdminService");
    const cluster = await callUnary(client.describeCluster.bind(client), {}, options());
    expect(cluster).toMatchObject({
      controllerId: 2,
      topicCount: 1,
      partitionCount: 2,
      answeringBrokerId: 1,
    });
    expect(cluster.brokers[0]).toMatchObject({
      brokerId: 1,
      host: "b1.test",
      port: 9010,
      rack: "r1",
      leaderCount: 2,
      replicaCount: 2,
      controllerVoter: true,
    });
  });

  it("gives out producer ids, none twice, from one block for all who ask", async () => {
    await using api = await startApi();
    const client = api.client("AdminService");
    const init = client.initProducerId.bind(client);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => callUnary(init, {}, options())),
    );
    const ids = answers.map((answer) => answer.producerId);
    expect(new Set(ids).size).toBe(50);
    expect(api.cluster.image.nextProducerId).toBe(1_001);
  });

  it("passes on what the controller says", async () => {
    await using api = await startApi();
    api.cluster.submit = () =>
      Promise.reject(new CodedError("CONTROLLER_NOT_AVAILABLE", "no controller", {}));
    const client = api.client("AdminService");
    const call = callUnary(client.createTopic.bind(client), { name: "new" }, options());
    await expect(call).rejects.toMatchObject({ code: "CONTROLLER_NOT_AVAILABLE" });
  });
});

describe("the metadata service", () => {
  it("answers with the addresses of the listener that the client came through", async () => {
    await using api = await startApi();
    const client = api.client("MetadataService");
    const get = client.getMetadata.bind(client);
    const answer = await callUnary(get, { topics: ["orders", "nothing", "a/b"] }, options());
    expect(answer.brokers.map((one) => `${one.brokerId} ${one.host}:${one.port}`)).toEqual([
      "1 b1.test:9010",
      "2 b2.test:9020",
      "3 b3.test:9030",
    ]);
    expect(answer).toMatchObject({ brokerId: 1, clusterId: api.cluster.image.clusterId });
    expect(answer.version).toBe(api.cluster.appliedIndex);
    expect(answer.topics.map((topic) => topic.error?.code ?? "OK")).toEqual([
      "OK",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "INVALID_TOPIC",
    ]);
    expect(answer.topics[0]?.partitions[1]).toMatchObject({
      partition: 1,
      leaderId: 1,
      leaderEpoch: 1,
    });
    const all = await callUnary(get, { allTopics: true }, options());
    expect(all.topics.map((topic) => topic.name)).toEqual(["orders"]);
    const many = Array.from({ length: 1_001 }, (_, index) => `t${index}`);
    const tooMany = callUnary(get, { topics: many }, options());
    await expect(tooMany).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });

  it("has no addresses of a listener that brokers lack, and nothing before formation", async () => {
    await using other = await startApi({ listener: "inside" });
    const client = other.client("MetadataService");
    const answer = await callUnary(client.getMetadata.bind(client), {}, options());
    expect(answer.brokers.map((one) => one.host)).toEqual(["", "", ""]);
    const unformed = new FakeCluster();
    await using api = await startApi({ metadata: unformed });
    const early = api.client("MetadataService");
    const call = callUnary(early.getMetadata.bind(early), {}, options());
    await expect(call).rejects.toMatchObject({ code: "CLUSTER_NOT_FORMED" });
  });
});
