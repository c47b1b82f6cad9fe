import { type Shaped, shape } from "@stratalog/base";
import {
  brokerIdShape,
  clusterIdShape,
  counterShape,
  directoryIdShape,
  endpointShape,
  listenerShape,
  partitionImageShape,
  textMapShape,
  topicIdShape,
  uuidShape,
} from "./fields.ts";

/**
 * What the controller's log says: facts that were decided, complete in themselves. A record's type
 * and fields never change their meaning; a new meaning is a new type. Replaying them in order is
 * the only way an image changes.
 */
export const metadataRecordShape = shape.tagged({
  "cluster-formed": shape.object({
    clusterId: clusterIdShape,
    /** The initial voters of the controller; absent: nobody said. */
    voters: shape.optional(shape.list(brokerIdShape)),
  }),
  "broker-registered": shape.object({
    brokerId: brokerIdShape,
    directoryId: directoryIdShape,
    incarnation: uuidShape,
    brokerEpoch: counterShape,
    rack: shape.optional(shape.text),
    clientListeners: shape.list(listenerShape),
    peerAddress: endpointShape,
    isFenced: shape.flag,
  }),
  "broker-fenced": shape.object({ brokerId: brokerIdShape, brokerEpoch: counterShape }),
  "broker-unfenced": shape.object({ brokerId: brokerIdShape, brokerEpoch: counterShape }),
  "topic-created": shape.object({
    topicId: topicIdShape,
    name: shape.text,
    kind: shape.oneOf(["clients", "coordinator"]),
    replicationFactor: shape.integer(1),
    config: textMapShape,
    partitions: shape.list(partitionImageShape),
  }),
  "partitions-added": shape.object({
    topicId: topicIdShape,
    partitions: shape.list(partitionImageShape),
  }),
  /** The whole of what is set afterwards, not a difference. */
  "topic-config-changed": shape.object({ topicId: topicIdShape, config: textMapShape }),
  "topic-deleted": shape.object({ topicId: topicIdShape }),
  "producer-ids-allocated": shape.object({ nextProducerId: counterShape }),
  /** Counters never go back, also when what they counted is gone: a snapshot states them. */
  "counters-raised": shape.object({
    nextGroup: counterShape,
    nextEpoch: counterShape,
    nextProducerId: counterShape,
  }),
});

/** One fact of the cluster's metadata. */
export type MetadataRecord = Shaped<typeof metadataRecordShape>;

/** Layout version of every record below; a reader refuses others instead of guessing. */
export const METADATA_RECORD_VERSION = 1;
