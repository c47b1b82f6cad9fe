import { messageCodec, type ServiceName, serviceDefinition } from "@stratalog/protocol";
import { encodeUtf8 } from "@stratalog/base";
import { BatchBuilder } from "@stratalog/record-batch";

const SERVICES: readonly ServiceName[] = [
  "ProduceService",
  "FetchService",
  "MetadataService",
  "AdminService",
  "GroupService",
];

/** A method and requests of it that are as they should be. */
export interface SampledMethod {
  /** "/stratalog.v1.FetchService/Fetch". */
  readonly path: string;
  readonly isStream: boolean;
  readonly samples: readonly Uint8Array[];
}

const MEMBER = "5a8e4a4e-0000-4000-8000-000000000001";

/** Requests by method; a method without one is asked with an empty message. */
const REQUESTS: Readonly<Record<string, readonly (readonly [string, object])[]>> = {
  ProduceStream: [["ProduceStreamRequest", { appends: [append(1), append(2)] }]],
  Produce: [
    [
      "ProduceRequest",
      {
        topic: "noise",
        partition: 1,
        records: [{ key: encodeUtf8("k"), value: encodeUtf8("v"), timestampMs: 5 }],
        acks: "ACKS_ALL",
        timeoutMs: 500,
      },
    ],
  ],
  Consume: [
    [
      "ConsumeRequest",
      { subscribe: { partitions: [{ subscription: 1, topic: "noise", partition: 0, offset: 0 }] } },
    ],
    ["ConsumeRequest", { credit: { bytes: 100_000 } }],
    ["ConsumeRequest", { seek: { subscription: 1, offset: 3, generation: 1 } }],
    ["ConsumeRequest", { open: { maxMessageBytes: 4_096 } }],
    ["ConsumeRequest", { pause: { subscriptions: [1, 2] } }],
  ],
  Fetch: [
    ["FetchRequest", { topic: "noise", partition: 0, offset: 0, maxRecords: 10, maxWaitMs: 50 }],
  ],
  ListOffsets: [
    [
      "ListOffsetsRequest",
      {
        queries: [
          { topic: "noise", partition: 0, latest: {} },
          { topic: "noise", partition: 1, timestampMs: 7 },
        ],
      },
    ],
  ],
  GetMetadata: [["GetMetadataRequest", { topics: ["noise", "nowhere"], allTopics: false }]],
  CreateTopic: [
    [
      "CreateTopicRequest",
      {
        name: "made",
        partitionCount: 2,
        config: [{ name: "retention.ms", value: "5" }],
        validateOnly: true,
      },
    ],
  ],
  DeleteTopic: [["DeleteTopicRequest", { name: "nowhere" }]],
  DescribeTopic: [["DescribeTopicRequest", { name: "noise" }]],
  ListTopics: [["ListTopicsRequest", { prefix: "n", pageSize: 10 }]],
  AddPartitions: [["AddPartitionsRequest", { name: "nowhere", partitionCount: 3 }]],
  AlterTopicConfig: [["AlterTopicConfigRequest", { name: "nowhere", reset: ["retention.ms"] }]],
  GroupSession: [
    [
      "GroupSessionRequest",
      { join: { groupId: "noise", memberId: MEMBER, topics: ["noise"], sessionTimeoutMs: 1_000 } },
    ],
    ["GroupSessionRequest", { ping: { sequence: 1 } }],
    [
      "GroupSessionRequest",
      {
        commit: {
          correlation: 1,
          memberEpoch: 1,
          offsets: [{ topic: "noise", partition: 0, offset: 1, metadata: "m" }],
        },
      },
    ],
    ["GroupSessionRequest", { leave: {} }],
  ],
  FindCoordinator: [["FindCoordinatorRequest", { groupId: "noise" }]],
  CommitOffsets: [
    [
      "CommitOffsetsRequest",
      { groupId: "noise", offsets: [{ topic: "noise", partition: 0, offset: 1 }] },
    ],
  ],
  FetchOffsets: [
    [
      "FetchOffsetsRequest",
      { groupId: "noise", partitions: [{ topic: "noise", partitions: [0] }] },
    ],
  ],
  ListGroups: [["ListGroupsRequest", { prefix: "n" }]],
  DescribeGroup: [["DescribeGroupRequest", { groupId: "noise" }]],
  DeleteGroup: [["DeleteGroupRequest", { groupId: "noise" }]],
};

/** All methods of all services. */
export function sampledMethods(): readonly SampledMethod[] {
  return SERVICES.flatMap((service) =>
    Object.values(serviceDefinition(service)).map(({ path, requestStream }) => {
      const name = path.slice(path.lastIndexOf("/") + 1);
      const requests = REQUESTS[name] ?? [];
      const samples = requests.map(([message, fields]) => messageCodec(message).encode(fields));
      return {
        path,
        isStream: requestStream,
        samples: samples.length === 0 ? [new Uint8Array(0)] : samples,
      };
    }),
  );
}

function append(correlation: number): object {
  const builder = new BatchBuilder();
  builder.append({ key: null, value: encodeUtf8("sample"), timestampMs: 1 });
  return { correlation, topic: "noise", partition: 0, batch: builder.build(), timeoutMs: 500 };
}
