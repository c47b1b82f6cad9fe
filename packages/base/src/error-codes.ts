/**
 * The closed catalogue of errors that cross a public boundary. A code never changes its meaning;
 * messages may.
 * `retriable`: the same call may succeed later or elsewhere. `outcome`: whether the failed call may
 * have taken effect.
 * Names follow Kafka's where Kafka has one.
 */
interface ErrorTraits {
  readonly retriable: boolean;
  readonly outcome: "none" | "unknown";
  readonly meaning: string;
}

/** Nothing happened, and the same call would fail again. */
function no(meaning: string): ErrorTraits {
  return { retriable: false, outcome: "none", meaning };
}

/** Nothing happened, and the same call may succeed later or elsewhere. */
function again(meaning: string): ErrorTraits {
  return { retriable: true, outcome: "none", meaning };
}

/** The call may have taken effect all the same. */
function unsure(retriable: boolean, meaning: string): ErrorTraits {
  return { retriable, outcome: "unknown", meaning };
}

export const ERROR_CODES = {
  // Requests
  INVALID_REQUEST: no("A field of the request is missing, malformed or out of range."),
  INVALID_CONFIG: no("A configuration name is unknown or its value is not allowed."),
  UNSUPPORTED_VERSION: no("The other side speaks another version of the protocol."),
  REQUEST_TIMED_OUT: unsure(true, "No answer came in time."),
  THROTTLED: again("A limit is reached; the same request may pass a little later."),
  CLOSED: no("The client, producer or consumer was closed."),
  ABORTED: no("The caller's signal aborted the call."),
  INTERNAL: unsure(false, "A bug; the broker's log has the details."),
  // Topics and cluster
  INVALID_TOPIC: no(
    "A topic name is empty, too long, has characters that are not allowed, or differs from another " +
      "topic's only in dots and underscores.",
  ),
  TOPIC_ALREADY_EXISTS: no("A topic of that name exists."),
  UNKNOWN_TOPIC_OR_PARTITION: again("The topic or partition does not exist (here, yet)."),
  INVALID_PARTITIONS: no("The number of partitions is not allowed; it can only grow."),
  INVALID_REPLICATION_FACTOR: no("More replicas are asked for than there are brokers."),
  NOT_CONTROLLER: again("Another broker is the controller now."),
  CONTROLLER_NOT_AVAILABLE: again("The cluster has no controller right now."),
  CLUSTER_NOT_FORMED: again("The brokers have not formed their cluster yet."),
  CLUSTER_ID_MISMATCH: no("The other side belongs to another cluster."),
  BROKER_NOT_AVAILABLE: again("No broker could be reached."),
  // Produce
  NOT_LEADER: again("Another broker leads the partition now."),
  LEADER_NOT_AVAILABLE: again("The partition has no leader right now."),
  NOT_ENOUGH_REPLICAS: again("Too few replicas are in reach to store the record safely."),
  OUTCOME_UNKNOWN: unsure(
    true,
    "Leadership moved while the record was in flight; only an idempotent retry is safe.",
  ),
  MESSAGE_TOO_LARGE: no("A batch is larger than max.message.bytes."),
  CORRUPT_BATCH: no("A record batch fails its checksum, count or magic."),
  UNSUPPORTED_COMPRESSION: no("The batch is compressed by a codec that is not supported."),
  OUT_OF_ORDER_SEQUENCE: no("A batch of an idempotent producer skips a sequence number."),
  INVALID_PRODUCER_EPOCH: no("A newer instance of this producer has taken over."),
  WRONG_EXPECTED_OFFSET: no("The partition does not end at the expected offset."),
  STORAGE_FULL: again("The broker's disk is at its reserve."),
  STORAGE_DAMAGED: again(
    "Stored bytes are missing or fail their checksum; another replica may have them.",
  ),
  BUFFER_FULL: again("The producer's memory is full and stayed so for max.block.ms."),
  // Fetch
  OFFSET_OUT_OF_RANGE: no("The offset is outside the partition; the error has the valid range."),
  OFFSET_NOT_AVAILABLE: again("The new leader cannot confirm the partition's end yet."),
  FENCED_LEADER_EPOCH: again("The client's leader epoch is older than the broker's."),
  UNKNOWN_LEADER_EPOCH: again("The client's leader epoch is newer than the broker's."),
  // Groups
  INVALID_GROUP_ID: no("A group name is empty, too long or has characters that are not allowed."),
  GROUP_NOT_FOUND: no("The group does not exist."),
  GROUP_NOT_EMPTY: no("The group has members."),
  UNKNOWN_MEMBER: no("The group does not know this member; it must join again."),
  FENCED_MEMBER_EPOCH: no("The member's epoch is stale; it must join again."),
  NOT_COORDINATOR: again("Another broker coordinates the group now."),
  COORDINATOR_NOT_AVAILABLE: again("The group has no coordinator right now."),
  // Local set-up
  ADDRESS_IN_USE: no("The port is taken by another process."),
  DIRECTORY_IN_USE: no("Another process has the data directory open."),
  DIRECTORY_UNUSABLE: no("The data directory cannot be created, read or written."),
  SERDE_FAILED: no("A key or value could not be serialized or deserialized."),
} satisfies Record<string, ErrorTraits>;

/** One of the catalogue's codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether a text is one of the catalogue's codes. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
