// Counts of a whole cluster at their edges: on the controller's commands alone, since a cluster
// that large takes minutes.
import { brokerId, SeededRandom } from "@stratalog/base";
import {
  BROKERS_MAX,
  type ControllerCommand,
  emptyImage,
  handle,
  type MetadataImage,
  PARTITIONS_MAX,
  PARTITIONS_PER_TOPIC_MAX,
  replayAll,
} from "@stratalog/metadata";
import { describe, expect, it } from "vitest";

const random = new SeededRandom(7);
const CLUSTER = uuid(0);

/** Branded ids are text; the commands check it. */
function uuid(number: number): never {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}` as never;
}

/** Carries a command out, or gives its refusal's code. */
function step(image: MetadataImage, command: ControllerCommand): MetadataImage | string {
  const result = handle(image, command, { random });
  return result.ok ? replayAll(image, result.records) : result.code;
}

function done(image: MetadataImage, command: ControllerCommand): MetadataImage {
  const next = step(image, command);
  if (typeof next === "string") throw new Error(next);
  return next;
}

function register(id: number): ControllerCommand {
  return {
    type: "register-broker",
    clusterId: CLUSTER,
    brokerId: brokerId(id),
    directoryId: uuid(id),
    incarnation: uuid(100_000 + id),
    clientListeners: [{ name: "client", host: "127.0.0.1", port: 9095 }],
    peerAddress: { host: "127.0.0.1", port: 9093 },
  };
}

function formed(): MetadataImage {
  const empty = done(emptyImage(), { type: "form-cluster", clusterId: CLUSTER, voters: [] });
  return done(empty, register(1));
}

function topic(number: number, partitionCount: number): ControllerCommand {
  return { type: "create-topic", topicId: uuid(number), name: `t${number}`, partitionCount };
}

describe("a cluster", () => {
  it("has up to BROKERS_MAX brokers", () => {
    let image = formed();
    for (let id = 2; id <= BROKERS_MAX; id++) image = done(image, register(id));
    expect(image.brokers.size).toBe(BROKERS_MAX);
    expect(step(image, register(BROKERS_MAX + 1))).toBe("INVALID_REQUEST");
  });

  it("has topics of up to PARTITIONS_PER_TOPIC_MAX partitions, PARTITIONS_MAX together", () => {
    const brokerEpoch = formed().brokers.get(brokerId(1))?.brokerEpoch ?? 0;
    let image = done(formed(), { type: "unfence-broker", brokerId: brokerId(1), brokerEpoch });
    expect(step(image, topic(1, PARTITIONS_PER_TOPIC_MAX + 1))).toBe("INVALID_PARTITIONS");
    const topics = PARTITIONS_MAX / PARTITIONS_PER_TOPIC_MAX;
    for (let n = 1; n <= topics; n++) image = done(image, topic(n, PARTITIONS_PER_TOPIC_MAX));
    expect(step(image, topic(topics + 1, 1))).toBe("INVALID_PARTITIONS");
  });
});
