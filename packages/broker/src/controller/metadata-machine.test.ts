import { brokerId, type ClusterId, type TopicId } from "@stratalog/base";
import { type ControllerCommand, recordsOf } from "@stratalog/metadata";
import { stateMachineContract } from "@stratalog/state-machine/testing";
import fc from "fast-check";
import { metadataMachine } from "./metadata-machine.ts";

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

const clusterId = uuid(1) as ClusterId;
const register = (id: number): ControllerCommand => ({
  type: "register-broker",
  clusterId,
  brokerId: brokerId(id),
  directoryId: uuid(id) as never,
  incarnation: uuid(100 + id),
  clientListeners: [],
  peerAddress: { host: "127.0.0.1", port: 1 },
});
const unfence = (id: number): ControllerCommand => ({
  type: "unfence-broker",
  brokerId: brokerId(id),
  brokerEpoch: id,
});

const later: fc.Arbitrary<ControllerCommand> = fc.oneof(
  fc
    .record({ number: fc.nat(50), partitionCount: fc.integer({ min: 1, max: 5 }) })
    .map(({ number, partitionCount }) => ({
      type: "create-topic" as const,
      topicId: uuid(1_000 + number) as TopicId,
      name: `topic-${number % 7}`,
      partitionCount,
    })),
  fc.nat(6).map((number) => ({ type: "delete-topic" as const, name: `topic-${number}` })),
  fc.constant({ type: "allocate-producer-ids" as const, brokerId: brokerId(1) }),
);

stateMachineContract({
  definition: metadataMachine,
  commands: fc
    .array(later, { maxLength: 40 })
    .map((rest) => [
      { type: "form-cluster" as const, clusterId, voters: [1, 2, 3].map(brokerId) },
      ...[1, 2, 3].map(register),
      ...[1, 2, 3].map(unfence),
      ...rest,
    ]),
  plain: (image) => JSON.parse(JSON.stringify(recordsOf(image))),
});
