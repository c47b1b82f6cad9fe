import {
  brokerId,
  type ClusterId,
  type DirectoryId,
  groupNumber,
  type PartitionNumber,
  type ReplicaEpoch,
  type Shape,
  type Shaped,
  shape,
  type TopicId,
} from "@stratalog/base";

/**
 * The shapes of the fields that records and commands share. Reading one is the checked door to its
 * brand.
 */

const EPOCH_MAX = 0xffff_ffff;

export const brokerIdShape = shape.converted(shape.integer(), brokerId, "a broker id");
export const groupShape = shape.converted(shape.integer(), groupNumber, "a group number");
export const partitionShape = shape.converted(
  shape.integer(0, 0x7fff_ffff),
  (value) => value as PartitionNumber,
  "a partition",
);
export const replicaEpochShape = shape.converted(
  shape.integer(0, EPOCH_MAX),
  (value) => value as ReplicaEpoch,
  "a replica epoch",
);
export const counterShape = shape.integer(0);

function idShape<T>(brand: (value: string) => T): Shape<T> {
  return shape.converted(
    shape.text,
    (value) => {
      if (!/^[0-9a-f-]{36}$/.test(value)) throw new RangeError("not a UUID");
      return brand(value);
    },
    "a UUID in text form",
  );
}

export const topicIdShape = idShape((value) => value as TopicId);
export const clusterIdShape = idShape((value) => value as ClusterId);
export const directoryIdShape = idShape((value) => value as DirectoryId);
export const uuidShape = idShape((value) => value);

export const endpointShape = shape.object({ host: shape.text, port: shape.integer(0, 65_535) });
export const listenerShape = shape.object({
  name: shape.text,
  host: shape.text,
  port: shape.integer(0, 65_535),
});

export const replicaShape = shape.object({
  brokerId: brokerIdShape,
  replicaEpoch: replicaEpochShape,
});

export const partitionImageShape = shape.object({
  partition: partitionShape,
  group: groupShape,
  replicas: shape.list(replicaShape),
});

/** Name to text, as a plain object without a prototype's names in the way. */
export const textMapShape: Shape<Readonly<Record<string, string>>> = shape.converted(
  shape.map(shape.text),
  (map) => Object.fromEntries(map),
  "names and texts",
);

export type PartitionFields = Shaped<typeof partitionImageShape>;
