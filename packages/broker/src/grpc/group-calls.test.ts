import type { ClientDuplexStream } from "@grpc/grpc-js";
import { brokerId, CodedError } from "@stratalog/base";
import {
  callUnary,
  type GroupSessionRequest,
  type GroupSessionResponse,
  type Input,
} from "@stratalog/protocol";
import { describe, expect, it } from "vitest";
import { type RunningApi, startApi } from "./testing/running-api.ts";

const memberId = "00000000-0000-4000-8000-00000000000a";
const join = { groupId: "billing", memberId, topics: ["orders"] };
const options = () => ({ deadlineMs: Date.now() + 5_000 });

/** A member's stream and what came of it. */
class Member {
  readonly stream: ClientDuplexStream<Input<GroupSessionRequest>, GroupSessionResponse>;
  readonly responses: GroupSessionResponse[] = [];
  readonly ended: Promise<unknown>;

  constructor(api: RunningApi) {
    this.stream = api.client("GroupService").groupSession();
    this.stream.on("data", (response: GroupSessionResponse) => this.responses.push(response));
    this.ended = new Promise((resolve) => {
      this.stream.on("error", resolve);
      this.stream.on("end", () => resolve(undefined));
    });
  }

  send(request: Input<GroupSessionRequest>): this {
    this.stream.write(request);
    return this;
  }

  async count(count: number): Promise<readonly GroupSessionResponse[]> {
    const endMs = Date.now() + 5_000;
    while (this.responses.length < count) {
      if (Date.now() > endMs) throw new Error(`only ${this.responses.length} responses`);
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
    }
    return this.responses;
  }
}

describe("groupSession", () => {
  it("carries a membership from join to leave", async () => {
    await using api = await startApi();
    const member = new Member(api).send({ join });
    const [welcome, assign] = await member.count(2);
    expect(welcome?.welcome).toMatchObject({ memberId, memberEpoch: 1, coordinatorEpoch: 5 });
    expect(assign?.assign).toMatchObject({
      memberEpoch: 1,
      revision: 1,
      assigned: [{ topic: "orders", partitions: [0, 1] }],
    });
    const owned = [{ topic: "orders", partitions: [0, 1] }];
    const offsets = [{ topic: "orders", partition: 1, offset: 7, metadata: "m" }];
    member.send({ state: { memberEpoch: 1, revision: 1, owned } });
    member.send({ commit: { correlation: 9, memberEpoch: 1, offsets } });
    member.send({ ping: { sequence: 3 } }).send({ leave: {} });
    const responses = await member.count(4);
    expect(responses[2]?.committed).toMatchObject({ correlation: 9, error: null });
    expect(responses[3]?.pong).toMatchObject({ sequence: 3 });
    expect(await member.ended).toBeUndefined();
    expect(api.coordinator.received.map((message) => message.type)).toEqual([
      "join",
      "state",
      "commit",
      "ping",
      "leave",
    ]);
    expect(api.coordinator.received[0]).toMatchObject({
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 300_000,
      memberEpoch: 0,
      clientAddress: expect.stringContaining("127.0.0.1:"),
    });
    expect(api.coordinator.closedCount).toBe(1);
  });

  it("tells the coordinator of a broken stream, once, and not as a leave", async () => {
    await using api = await startApi();
    const member = new Member(api).send({ join });
    await member.count(1);
    member.stream.cancel();
    await member.ended;
    while (api.coordinator.closedCount === 0)
      await new Promise((resolve) => setTimeout(resolve, 2));
    expect(api.coordinator.closedCount).toBe(1);
    expect(api.coordinator.received.map((message) => message.type)).toEqual(["join"]);
  });

  it("ends a half-closed stream only when the member is out", async () => {
    await using api = await startApi();
    const member = new Member(api).send({ join });
    await member.count(2);
    api.coordinator.answer = () => [];
    let isEnded = false;
    void member.ended.then(() => {
      isEnded = true;
    });
    member.send({ leave: {} });
    member.stream.end();
    while (api.coordinator.received.length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    // A whole call more goes through the connection in the meantime.
    const client = api.client("GroupService");
    await callUnary(client.listGroups.bind(client), {}, options());
    expect(isEnded).toBe(false);
    api.coordinator.say({ type: "left" });
    expect(await member.ended).toBeUndefined();
  });

  it("ends with the coordinator's last word, with the new coordinator's address", async () => {
    await using api = await startApi();
    const member = new Member(api).send({ join });
    await member.count(2);
    const details = { leaderId: 3 };
    const error = new CodedError("NOT_COORDINATOR", "broker 3 has taken over", { details });
    api.coordinator.say({ type: "moved", error });
    api.coordinator.say({ type: "fenced", error });
    const responses = await member.count(3);
    expect(responses[2]?.moved?.error).toMatchObject({
      code: "NOT_COORDINATOR",
      leader: { brokerId: 3, host: "b3.test", port: 9030 },
    });
    expect(await member.ended).toBeUndefined();
    expect(member.responses).toHaveLength(3);
  });

  it("refuses a bad commit by itself and goes on", async () => {
    await using api = await startApi();
    const member = new Member(api).send({ join });
    const twice = { topic: "orders", offset: 1 };
    member.send({ commit: { correlation: 1, memberEpoch: 1, offsets: [twice, twice] } });
    member.send({ commit: { correlation: 2, memberEpoch: 1, offsets: [twice] } });
    const responses = await member.count(4);
    expect(responses[2]?.committed?.error?.code).toBe("INVALID_REQUEST");
    expect(responses[3]?.committed).toMatchObject({ correlation: 2, error: null });
    member.stream.cancel();
  });

  it("reads no further while too many commits wait", async () => {
    await using api = await startApi();
    api.coordinator.answer = () => [];
    const member = new Member(api).send({ join });
    for (let correlation = 0; correlation < 200; correlation++) {
      const offsets = [{ topic: "orders", offset: 1 }];
      member.send({ commit: { correlation, memberEpoch: 1, offsets } });
    }
    const { received } = api.coordinator;
    const settled = async (count: number): Promise<void> => {
      while (received.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
      // What would come too much comes at once.
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(received).toHaveLength(count);
    };
    await settled(1 + 64);
    api.coordinator.say({ type: "committed", correlation: 0 });
    await settled(1 + 65);
    member.stream.cancel();
  });

  it.each([
    ["a message before the join", { ping: {} }],
    ["an empty message", {}],
    ["a bad group name", { join: { ...join, groupId: "a/b" } }],
    ["a bad member id", { join: { ...join, memberId: "me" } }],
    ["no topics", { join: { ...join, topics: [] } }],
    ["a session timeout of a day", { join: { ...join, sessionTimeoutMs: 86_400_000 } }],
    ["an unknown assignor", { join: { ...join, assignor: "magic" } }],
    ["a rack of a kilobyte", { join: { ...join, rack: "r".repeat(1_024) } }],
  ])("ends the stream at %s", async (_name, request: Input<GroupSessionRequest>) => {
    await using api = await startApi();
    const member = new Member(api).send(request);
    expect(await member.ended).toMatchObject({ code: 3 });
    expect(api.coordinator.received).toEqual([]);
    expect(api.coordinator.closedCount).toBe(1);
  });

  it("ends the stream at a second join", async () => {
    await using api = await startApi();
    const member = new Member(api).send({ join }).send({ join });
    expect(await member.ended).toMatchObject({ code: 3 });
  });
});

describe("groups outside of sessions", () => {
  it("are found, listed, described, committed to and deleted", async () => {
    await using api = await startApi();
    api.coordinator.coordinator = brokerId(2);
    const client = api.client("GroupService");
    const groupId = "billing";
    const find = client.findCoordinator.bind(client);
    expect(await callUnary(find, { groupId }, options())).toMatchObject({
      brokerId: 2,
      host: "b2.test",
      port: 9020,
    });
    const list = await callUnary(client.listGroups.bind(client), { prefix: "b" }, options());
    expect(list.groups).toMatchObject([{ groupId, memberCount: 1, coordinatorId: 1 }]);
    const describeGroup = client.describeGroup.bind(client);
    const described = await callUnary(describeGroup, { groupId }, options());
    expect(described).toMatchObject({ state: "stable", groupEpoch: 3, assignor: "uniform" });
    const commit = client.commitOffsets.bind(client);
    const offsets = [{ topic: "orders", partition: 0, offset: 5, leaderEpoch: 2 }];
    await callUnary(commit, { groupId, offsets }, options());
    const fetch = client.fetchOffsets.bind(client);
    const partitions = [{ topic: "orders", partitions: [0, 1] }];
    const fetched = await callUnary(fetch, { groupId, partitions }, options());
    expect(fetched.offsets.map((one) => [one.partition, one.offset, one.leaderEpoch])).toEqual([
      [0, 5, 2],
      [1, -1, undefined],
    ]);
    const all = await callUnary(fetch, { groupId }, options());
    expect(all.offsets).toHaveLength(1);
    const remove = callUnary(client.deleteGroup.bind(client), { groupId }, options());
    await expect(remove).rejects.toMatchObject({ code: "GROUP_NOT_EMPTY" });
    const missing = callUnary(describeGroup, { groupId: "nobody" }, options());
    await expect(missing).rejects.toMatchObject({ code: "GROUP_NOT_FOUND" });
    const bad = callUnary(describeGroup, { groupId: "x".repeat(250) }, options());
    await expect(bad).rejects.toMatchObject({ code: "INVALID_GROUP_ID" });
    const empty = callUnary(commit, { groupId, offsets: [] }, options());
    await expect(empty).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });

  it("say what a refused commit was refused for", async () => {
    await using api = await startApi();
    api.coordinator.commitOffsets = () =>
      Promise.reject(new CodedError("FENCED_MEMBER_EPOCH", "epoch 1 is over"));
    const client = api.client("GroupService");
    const offsets = [{ topic: "orders", offset: 5 }];
    const request = { groupId: "billing", memberId, memberEpoch: 1, offsets };
    const call = callUnary(client.commitOffsets.bind(client), request, options());
    await expect(call).rejects.toMatchObject({ code: "FENCED_MEMBER_EPOCH" });
  });
});
