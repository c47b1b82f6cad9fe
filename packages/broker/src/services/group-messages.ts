import { CodedError, encodeUtf8 } from "@stratalog/base";
import {
  checkCount,
  type GroupSessionRequest,
  type GroupSessionResponse,
  type GroupJoin as WireJoin,
  type Input,
  invalidRequest,
  numberFromWire,
  offsetFromWire,
  type PartitionOffset as WireOffset,
  safeInteger,
  toWireError,
  epochFromWire,
  type TopicPartitions as WirePartitions,
} from "@stratalog/protocol";
import type {
  CoordinatorMessage,
  MemberJoin,
  MemberMessage,
  PartitionOffset,
  TopicPartitions,
} from "./ports.ts";

const NAME_BYTES_MAX = 255;
const TOPICS_MAX = 1_000;
const OFFSETS_MAX = 10_000;
const PARTITIONS_MAX = 10_000;
const OFFSET_METADATA_BYTES_MAX = 4_096;
const TIMEOUT_MS = { min: 1_000, max: 1_800_000 };
const SESSION_TIMEOUT_MS = { ...TIMEOUT_MS, name: "session_timeout_ms", absent: 45_000 };
const REBALANCE_TIMEOUT_MS = { ...TIMEOUT_MS, name: "rebalance_timeout_ms", absent: 300_000 };
const MEMBER_ID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const GROUP_ID = /^[A-Za-z0-9._-]{1,249}$/;

/** Refuses what cannot be the name of a group. */
export function checkGroupId(groupId: string): void {
  if (GROUP_ID.test(groupId)) return;
  const shown = JSON.stringify(groupId.slice(0, 60));
  throw new CodedError(
    "INVALID_GROUP_ID",
    `${shown} is no group name: use 1 to 249 of letters, digits, ".", "_" and "-"`,
  );
}

/** A member's message in the coordinator's words. Throws INVALID_REQUEST or INVALID_GROUP_ID. */
export function memberMessage(wire: GroupSessionRequest, clientAddress: string): MemberMessage {
  const { join, state, commit, leave, ping } = wire;
  if (join !== undefined) return memberJoin(join, clientAddress);
  if (state !== undefined) {
    return {
      type: "state",
      memberEpoch: epoch(state.memberEpoch, "member_epoch"),
      revision: epoch(state.revision, "revision"),
      owned: partitionsFromWire(state.owned),
    };
  }
  if (commit !== undefined) {
    checkCount(commit.offsets, { name: "offsets", min: 1, max: OFFSETS_MAX });
    return {
      type: "commit",
      correlation: safeInteger(commit.correlation, "correlation"),
      memberEpoch: epoch(commit.memberEpoch, "member_epoch"),
      offsets: offsetsFromWire(commit.offsets),
    };
  }
  if (leave !== undefined) return { type: "leave", keepStatic: leave.keepStatic };
  if (ping !== undefined) return { type: "ping", busyMs: ping.busyMs };
  throw invalidRequest("a message of a group session is empty");
}

function memberJoin(join: WireJoin, clientAddress: string): MemberJoin {
  checkGroupId(join.groupId);
  if (!MEMBER_ID.test(join.memberId)) throw invalidRequest("member_id is not a UUID in text form");
  const wanted = [...join.topics, ...join.topicPrefixes];
  checkCount(wanted, { name: "topics and topic_prefixes", min: 1, max: TOPICS_MAX });
  for (const [name, text] of Object.entries({
    ...join,
    topics: "",
    topicPrefixes: "",
    owned: "",
  })) {
    if (typeof text === "string") checkBytes(text, NAME_BYTES_MAX, name);
  }
  for (const name of wanted) checkBytes(name, NAME_BYTES_MAX, "topics");
  const assignor = assignorFrom(join.assignor);
  return {
    type: "join",
    groupId: join.groupId,
    memberId: join.memberId,
    memberEpoch: epoch(join.memberEpoch, "member_epoch"),
    revision: epoch(join.revision, "revision"),
    ...(join.instanceId === "" ? {} : { instanceId: join.instanceId }),
    topics: [...new Set(join.topics)],
    ...(join.topicPrefixes.length === 0 ? {} : { topicPrefixes: join.topicPrefixes }),
    ...(join.rack === "" ? {} : { rack: join.rack }),
    sessionTimeoutMs: numberFromWire(join.sessionTimeoutMs, SESSION_TIMEOUT_MS),
    rebalanceTimeoutMs: numberFromWire(join.rebalanceTimeoutMs, REBALANCE_TIMEOUT_MS),
    ...(join.maxPollIntervalMs === 0 ? {} : { maxPollIntervalMs: join.maxPollIntervalMs }),
    owned: partitionsFromWire(join.owned),
    clientId: join.clientId,
    clientAddress,
    ...(assignor === undefined ? {} : { assignor }),
  };
}

function assignorFrom(assignor: string): MemberJoin["assignor"] {
  if (assignor === "") return undefined;
  if (assignor === "uniform" || assignor === "range") return assignor;
  throw invalidRequest(`assignor is ${assignor}; it may be uniform or range`);
}

function epoch(value: number, name: string): number {
  return epochFromWire(value, name) ?? 0;
}

function checkBytes(text: string, maxBytes: number, name: string): void {
  if (encodeUtf8(text).length <= maxBytes) return;
  throw invalidRequest(`${name} has more than ${maxBytes} bytes`);
}

/** The partitions of a request; at most 10,000 altogether. */
export function partitionsFromWire(list: readonly WirePartitions[]): readonly TopicPartitions[] {
  checkCount(list, { name: "topics", min: 0, max: TOPICS_MAX });
  checkCount(
    list.flatMap((topic) => topic.partitions),
    { name: "partitions", min: 0, max: PARTITIONS_MAX },
  );
  return list.map(({ topic, partitions }) => {
    checkBytes(topic, NAME_BYTES_MAX, "topic");
    return { topic, partitions: [...new Set(partitions)] };
  });
}

/** The offsets of a commit; a partition at most once. */
export function offsetsFromWire(list: readonly WireOffset[]): readonly PartitionOffset[] {
  checkCount(list, { name: "offsets", min: 0, max: OFFSETS_MAX });
  const seen = new Set<string>();
  return list.map((wire) => {
    const { topic, partition, metadata } = wire;
    checkBytes(topic, NAME_BYTES_MAX, "topic");
    checkBytes(metadata, OFFSET_METADATA_BYTES_MAX, "metadata");
    const place = `${topic}/${partition}`;
    if (seen.has(place)) throw invalidRequest(`${place} is committed twice in one request`);
    seen.add(place);
    const leaderEpoch = epochFromWire(wire.leaderEpoch, "leader_epoch");
    return {
      topic,
      partition,
      offset: offsetFromWire(wire.offset, "offset"),
      ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
      metadata,
    };
  });
}

/** A coordinator's message on the wire; `left` has none, it ends the stream. */
export function sessionResponse(
  message: Exclude<CoordinatorMessage, { type: "left" }>,
): Input<GroupSessionResponse> {
  switch (message.type) {
    case "welcome":
      return { welcome: message };
    case "assign":
      return { assign: message };
    case "committed": {
      const { correlation, error } = message;
      return { committed: { correlation, error: error === undefined ? null : toWireError(error) } };
    }
    case "fenced":
      return { fenced: { error: toWireError(message.error) } };
    case "moved":
      return { moved: { error: toWireError(message.error) } };
  }
}
