import { decodeJson, encodeUtf8, type Random } from "@stratalog/base";
import {
  controllerCommandShape,
  emptyImage,
  handle,
  type MetadataImage,
  recordFromJson,
  recordToJson,
  replayAll,
} from "@stratalog/metadata";
import { mutated, oneOf } from "../mutation.ts";
import { type FuzzTarget, must } from "../target.ts";

const VALUES: readonly unknown[] = [
  0,
  -1,
  1,
  2 ** 31,
  2 ** 53,
  1e308,
  1.5,
  null,
  true,
  "",
  "..",
  "__proto__",
  "a/../b",
  "\u0000",
  "x".repeat(300),
  [],
  {},
  [[]],
];

/**
 * What other brokers ask of the controller: the text is damaged or a value is another one. What
 * is taken must be carried out or refused, and what it wrote must be read back.
 */
export function commandTarget(): FuzzTarget {
  const samples = sampleCommands();
  const image = imageOf(samples);
  return {
    name: "controller commands",
    casesPerRound: 20_000,
    run(random) {
      const bytes =
        random.below(4) === 0
          ? mutated(encodeUtf8(JSON.stringify(oneOf(samples, random))), random)
          : encodeUtf8(JSON.stringify(withAnotherValue(oneOf(samples, random), random)));
      const decoded = decodeJson(bytes, controllerCommandShape);
      if (!decoded.ok) {
        must(decoded.reason.length < 1_000, "a refusal without an end");
        return;
      }
      const result = handle(image, decoded.value, { random });
      if (!result.ok) return;
      const records = result.records.map((record) => recordFromJson(recordToJson(record)));
      replayAll(image, records);
    },
  };
}

function withAnotherValue(command: object, random: Random): object {
  const copy: unknown = structuredClone(command);
  const places: [Record<string, unknown>, string][] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    // Only own keys are looked at and set.
    const record = value as Record<string, unknown>;
    for (const key of Object.keys(record)) {
      places.push([record, key]);
      collect(record[key]);
    }
  };
  collect(copy);
  const changes = 1 + random.below(2);
  for (let index = 0; index < changes; index++) {
    const [record, key] = oneOf(places, random);
    if (random.below(8) === 0) delete record[key];
    else record[key] = oneOf(VALUES, random);
  }
  return copy as object;
}

function sampleCommands(): readonly object[] {
  const uuid = (last: number): string => `0c1f5f0c-53f0-4b59-8d6b-7b0f3a9e000${last}`;
  const registration = (brokerId: number): object => ({
    type: "register-broker",
    clusterId: uuid(9),
    brokerId,
    directoryId: uuid(brokerId),
    incarnation: uuid(brokerId + 3),
    rack: "a",
    clientListeners: [{ name: "client", host: "127.0.0.1", port: 9095 }],
    peerAddress: { host: "127.0.0.1", port: 9093 },
  });
  return [
    { type: "form-cluster", clusterId: uuid(9), voters: [1, 2, 3] },
    ...[1, 2, 3].map(registration),
    { type: "create-topic", topicId: uuid(7), name: "orders", partitionCount: 3, config: {} },
    {
      type: "create-topic",
      topicId: uuid(8),
      name: "payments",
      partitionCount: 2,
      replicationFactor: 2,
      config: { "retention.ms": "1000" },
    },
    { type: "add-partitions", name: "orders", partitionCount: 6 },
    { type: "alter-topic-config", name: "orders", set: { "segment.ms": "5000" }, reset: [] },
    { type: "fence-broker", brokerId: 2, brokerEpoch: 1 },
    { type: "unfence-broker", brokerId: 2, brokerEpoch: 1 },
    { type: "delete-topic", name: "payments" },
    { type: "allocate-producer-ids", brokerId: 1 },
  ];
}

/** A cluster of three brokers with one topic. */
function imageOf(commands: readonly object[]): MetadataImage {
  let image = emptyImage();
  const apply = (command: object | undefined): void => {
    const decoded = decodeJson(encodeUtf8(JSON.stringify(command)), controllerCommandShape);
    if (!decoded.ok) throw new Error(`a sample is not understood: ${decoded.reason}`);
    const result = handle(image, decoded.value, { random: NO_RANDOM });
    if (!result.ok) throw new Error(`a sample is refused: ${result.message}`);
    image = replayAll(image, result.records);
  };
  for (const command of commands.slice(0, 4)) apply(command);
  for (const { brokerId, brokerEpoch } of image.brokers.values()) {
    apply({ type: "unfence-broker", brokerId, brokerEpoch });
  }
  apply(commands[4]);
  return image;
}

const NO_RANDOM: Random = {
  uint32: () => 0,
  below: () => 0,
  fraction: () => 0,
  bytes: (length) => new Uint8Array(length),
  fork: () => NO_RANDOM,
};
