import type {
  BrokerDescription as WireBroker,
  DescribeGroupResponse,
  TopicDescription as WireTopic,
} from "@stratalog/protocol";
import { CodedError } from "@stratalog/base";
import { toPublicOffset } from "../../core/public-offset.ts";
import type { BrokerDescription, GroupDescription, TopicDescription } from "./admin-types.ts";

/** The public form of a described topic; INTERNAL when the broker sent none. */
export function topicDescription(topic: WireTopic | null): TopicDescription {
  if (topic === null) throw new CodedError("INTERNAL", "the broker's answer has no topic");
  return {
    name: topic.name,
    topicId: topic.topicId,
    isInternal: topic.internal,
    replicationFactor: topic.replicationFactor,
    partitions: topic.partitions.map(({ partition, leaderId, leaderEpoch, replicaIds }) => ({
      partition,
      leader: leaderId,
      leaderEpoch,
      replicas: replicaIds,
    })),
    config: topic.config.map(({ name, value, source }) => ({
      name,
      value,
      source: source === "CONFIG_SOURCE_TOPIC" ? "topic" : "default",
    })),
  };
}

/** The public form of a described broker. */
export function brokerDescription(broker: WireBroker): BrokerDescription {
  const { brokerId, host, port, rack, fenced, leaderCount, replicaCount } = broker;
  return {
    brokerId,
    address: host === "" ? "" : `${host}:${port}`,
    rack,
    isFenced: fenced,
    leaderCount,
    replicaCount,
    isControllerVoter: broker.controllerVoter,
  };
}

/** The public form of a described group. */
export function groupDescription(group: DescribeGroupResponse): GroupDescription {
  return {
    groupId: group.groupId,
    state: group.state,
    groupEpoch: group.groupEpoch,
    assignor: group.assignor,
    coordinator: group.coordinatorId,
    members: group.members,
    offsets: group.offsets
      .filter(({ offset }) => offset >= 0)
      .map(({ topic, partition, offset, metadata }) => ({
        topic,
        partition,
        offset: toPublicOffset(offset),
        metadata,
      })),
  };
}
