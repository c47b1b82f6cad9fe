import { brokerId, SeededRandom, type TopicId } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ControllerCommand, handle } from "./controller-command.ts";
import { emptyImage, type MetadataImage } from "./image.ts";
import { recordFromJson, recordToJson } from "./record-codec.ts";
import type { MetadataRecord } from "./records.ts";
import { replayAll } from "./replay.ts";
import { decodeSnapshot, encodeSnapshot, recordsOf } from "./snapshot.ts";

/**
 * Any command history: the records replayed, and the snapshot loaded, make the image that the
 * handlers saw.
 */

const CLUSTER = "00000000-0000-4000-8000-0000000000c1" as never;

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

const name = fc.constantFrom("a", "b", "c", "bad/name");
const id = fc.integer({ min: 1, max: 4 }).map(brokerId);

const command: fc.Arbitrary<ControllerCommand> = fc.oneof(
  fc.constant({ type: "form-cluster" as const, clusterId: CLUSTER, voters: [] }),
  fc.record({ brokerId: id, life: fc.nat(2), rack: fc.constantFrom("x", "y") }).map((broker) => ({
    type: "register-broker" as const,
    clusterId: CLUSTER,
    brokerId: broker.brokerId,
    directoryId: uuid(broker.brokerId) as never,
    incarnation: uuid(broker.brokerId * 10 + broker.life),
    rack: broker.rack,
    clientListeners: [{ name: "client", host: "h", port: 1 }],
    peerAddress: { host: "h", port: 2 },
  })),
  fc.record({
    type: fc.constantFrom("fence-broker" as const, "unfence-broker" as const),
    brokerId: id,
    brokerEpoch: fc.integer({ min: 1, max: 8 }),
  }),
  fc
    .record({ name, topic: fc.nat(1000), partitionCount: fc.integer({ min: 0, max: 4 }) })
    .map(({ name: topicName, topic, partitionCount }) => ({
      type: "create-topic" as const,
      topicId: uuid(5_000 + topic) as TopicId,
      name: topicName,
      partitionCount,
    })),
  fc.record({ type: fc.constant("delete-topic" as const), name }),
  fc.record({
    type: fc.constant("add-partitions" as const),
    name,
    partitionCount: fc.integer({ min: 1, max: 8 }),
  }),
  fc.record({ name, retention: fc.integer({ min: -1, max: 5 }) }).map((change) => ({
    type: "alter-topic-config" as const,
    name: change.name,
    set: { "retention.ms": String(change.retention) },
    reset: ["segment.bytes"],
  })),
  fc.record({ type: fc.constant("allocate-producer-ids" as const), brokerId: id }),
);

/** Two brokers that are up: without them most commands are refused. */
const prologue: readonly ControllerCommand[] = [
  { type: "form-cluster", clusterId: CLUSTER, voters: [brokerId(1)] },
  ...[1, 2].flatMap((number): readonly ControllerCommand[] => [
    {
      type: "register-broker",
      clusterId: CLUSTER,
      brokerId: brokerId(number),
      directoryId: uuid(number) as never,
      incarnation: uuid(number * 10),
      clientListeners: [],
      peerAddress: { host: "h", port: 2 },
    },
    { type: "unfence-broker", brokerId: brokerId(number), brokerEpoch: number },
  ]),
];

function plain(image: MetadataImage): unknown {
  return JSON.parse(JSON.stringify(recordsOf(image)));
}

function checkInvariants(image: MetadataImage): void {
  const groups = new Set<number>();
  for (const topic of image.topics.values()) {
    expect(image.topicIds.get(topic.name)).toBe(topic.topicId);
    topic.partitions.forEach((partition, index) => {
      expect(partition.partition).toBe(index);
      expect(groups.has(partition.group)).toBe(false);
      groups.add(partition.group);
      expect(partition.group).toBeLessThan(image.nextGroup);
      for (const replica of partition.replicas) {
        expect(replica.replicaEpoch).toBeLessThan(image.nextEpoch);
      }
    });
  }
  expect(image.topicIds.size).toBe(image.topics.size);
}

describe("any history of commands", () => {
  it("replays to the live image, from the log's bytes and from a snapshot", () => {
    let topicsSeen = 0;
    fc.assert(
      fc.property(
        fc.array(command, { minLength: 20, maxLength: 60 }),
        fc.nat(),
        (commands, seed) => {
          const random = new SeededRandom(seed);
          let live = emptyImage();
          const log: MetadataRecord[] = [];
          for (const one of [...prologue, ...commands]) {
            const result = handle(live, one, { random });
            if (!result.ok) continue;
            live = replayAll(live, result.records);
            log.push(...result.records);
            checkInvariants(live);
          }
          const bytes = log.map((record) => JSON.stringify(recordToJson(record)));
          const read = bytes.map((text) => recordFromJson(JSON.parse(text)));
          expect(plain(replayAll(emptyImage(), read))).toEqual(plain(live));
          const loaded = decodeSnapshot(encodeSnapshot(live));
          expect(loaded.ok && plain(loaded.value)).toEqual(plain(live));
          expect(loaded.ok && loaded.value.topics.size).toBe(live.topics.size);
          topicsSeen += log.filter((record) => record.type === "topic-created").length;
        },
      ),
    );
    expect(topicsSeen).toBeGreaterThan(50);
  });

  it("is refused when a record has another version or misses a field", () => {
    const record = recordToJson({ type: "producer-ids-allocated", nextProducerId: 5 });
    expect(() => recordFromJson({ ...Object(record), version: 2 })).toThrow("version");
    expect(() => recordFromJson({ version: 1, type: "producer-ids-allocated" })).toThrow(
      "nextProducerId",
    );
    expect(decodeSnapshot(new Uint8Array([123])).ok).toBe(false);
  });
});
