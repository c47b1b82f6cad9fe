import { type GroupId, type MemberId, type Shaped, shape, type TopicId } from "@stratalog/base";

/**
 * What a coordinator's log says. As with all records: facts, complete in themselves, with meanings
 * that never change. Whoever applies a record sees from its `groupId` which group to look at; there
 * are no other effects.
 */

const epoch = shape.integer(0);
const partition = shape.integer(0, 0x7fff_ffff);
// Ids were checked when the command was taken; in the log they are texts.
const groupId = shape.converted(shape.text, (value) => value as GroupId, "a group id");
const memberId = shape.converted(shape.text, (value) => value as MemberId, "a member id");
const topicId = shape.converted(shape.text, (value) => value as TopicId, "a topic id");

const partitionsShape = shape.list(shape.object({ topicId, partitions: shape.list(partition) }));

/** Partitions with the member epoch since which each is owned, position by position. */
const ownedShape = shape.list(
  shape.object({ topicId, partitions: shape.list(partition), sinceEpochs: shape.list(epoch) }),
);

const offsetShape = shape.object({
  topicId,
  topic: shape.text,
  partition,
  offset: shape.integer(0),
  leaderEpoch: shape.optional(epoch),
  metadata: shape.text,
  committedMs: shape.integer(0),
});

/** Every kind of record, as it is checked when the log is read. */
export const groupRecordShape = shape.tagged({
  "group-created": shape.object({
    groupId,
    assignor: shape.oneOf(["uniform", "range"]),
    atMs: shape.integer(0),
  }),
  /** The epoch grew; these are the topics that its target is computed from. */
  "group-changed": shape.object({
    groupId,
    epoch,
    topics: shape.list(
      shape.object({ topicId, name: shape.text, partitionCount: shape.integer(1) }),
    ),
  }),
  /** A new member, or a new subscription of an old one, which keeps what it owns. */
  "member-joined": shape.object({
    groupId,
    memberId,
    instanceId: shape.optional(shape.text),
    clientId: shape.text,
    rack: shape.optional(shape.text),
    topics: shape.list(shape.text),
    prefixes: shape.optional(shape.list(shape.text)),
    sessionTimeoutMs: shape.integer(1),
    rebalanceTimeoutMs: shape.integer(1),
  }),
  /** The group begins to read these topics, which have so many partitions now. */
  "topics-begun": shape.object({
    groupId,
    topics: shape.list(shape.object({ topicId, partitionCount: shape.integer(0) })),
  }),
  /** These topics are gone, or nobody in the group has read them for long. */
  "topics-forgotten": shape.object({ groupId, topicIds: shape.list(topicId) }),
  "member-left": shape.object({
    groupId,
    memberId,
    reason: shape.oneOf([
      "left",
      "replaced",
      "session-timeout",
      "rebalance-timeout",
      "poll-timeout",
    ]),
  }),
  /** The targets of the members listed; the others keep theirs. */
  "target-assigned": shape.object({
    groupId,
    epoch,
    targets: shape.list(shape.object({ memberId, partitions: partitionsShape })),
  }),
  "member-assigned": shape.object({
    groupId,
    memberId,
    memberEpoch: epoch,
    revision: epoch,
    state: shape.oneOf(["stable", "revoking", "waiting"]),
    assigned: ownedShape,
    revoking: ownedShape,
  }),
  "group-emptied": shape.object({ groupId, atMs: shape.integer(0) }),
  "offsets-committed": shape.object({ groupId, offsets: shape.list(offsetShape) }),
  "offsets-deleted": shape.object({ groupId, partitions: partitionsShape }),
  "group-deleted": shape.object({ groupId }),
});

/** One fact about a group. */
export type GroupRecord = Shaped<typeof groupRecordShape>;
/** Owned partitions as they are written. */
export type OwnedList = Shaped<typeof ownedShape>;
/** An offset as it is written. */
export type OffsetFields = Shaped<typeof offsetShape>;

const RECORD_VERSION = 1;
const versionShape = shape.object({ version: shape.integer(RECORD_VERSION, RECORD_VERSION) });

/** A record as a JSON value, with its layout's version. */
export function recordToJson(record: GroupRecord): unknown {
  return { version: RECORD_VERSION, ...record };
}

/** A record from a JSON value; throws a ShapeError when it is none. */
export function recordFromJson(value: unknown): GroupRecord {
  versionShape.read(value, "record");
  return groupRecordShape.read(value, "record");
}
