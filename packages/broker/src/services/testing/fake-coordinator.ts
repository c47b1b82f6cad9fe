import { type BrokerId, brokerId, CodedError } from "@stratalog/base";
import type {
  CoordinatorMessage,
  GroupCoordinator,
  GroupDescription,
  GroupListing,
  MemberMessage,
  MemberSession,
  OffsetCommit,
  PartitionOffset,
  TopicPartitions,
} from "../ports.ts";

/** A coordinator that remembers what it was told and says what a test makes it say. */
export class FakeCoordinator implements GroupCoordinator {
  readonly received: MemberMessage[] = [];
  readonly commits: OffsetCommit[] = [];
  closedCount = 0;
  coordinator: BrokerId = brokerId(1);
  /** What sessions answer; by default joins are welcomed and commits done. */
  answer: (message: MemberMessage) => readonly CoordinatorMessage[] = welcomeAll;
  /** Says something to the session opened last. */
  say: (message: CoordinatorMessage) => void = () => {};

  /** What the last one who looked for a coordinator was given. */
  findTimeoutMs: number | undefined;

  findCoordinator(_groupId: string, options: { readonly timeoutMs: number }): Promise<BrokerId> {
    this.findTimeoutMs = options.timeoutMs;
    return Promise.resolve(this.coordinator);
  }

  openSession(send: (message: CoordinatorMessage) => void): MemberSession {
    this.say = send;
    return {
      handle: (message) => {
        this.received.push(message);
        for (const answer of this.answer(message)) send(answer);
      },
      close: () => {
        this.closedCount++;
      },
    };
  }

  commitOffsets(commit: OffsetCommit): Promise<void> {
    this.commits.push(commit);
    return Promise.resolve();
  }

  fetchOffsets(
    groupId: string,
    partitions: readonly TopicPartitions[] | "all",
  ): Promise<readonly PartitionOffset[]> {
    const known = this.commits.filter((commit) => commit.groupId === groupId);
    const offsets = known.flatMap((commit) => commit.offsets);
    if (partitions === "all") return Promise.resolve(offsets);
    return Promise.resolve(
      partitions.flatMap(({ topic, partitions: numbers }) =>
        numbers.map((partition) => {
          const found = offsets.find((one) => one.topic === topic && one.partition === partition);
          return found ?? { topic, partition, offset: -1, metadata: "" };
        }),
      ),
    );
  }

  listGroups(): Promise<readonly GroupListing[]> {
    return Promise.resolve([
      { groupId: "billing", state: "stable", memberCount: 1 },
      { groupId: "mail", state: "empty", memberCount: 0 },
    ]);
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    if (groupId !== "billing") {
      return Promise.reject(new CodedError("GROUP_NOT_FOUND", `there is no group ${groupId}`));
    }
    return Promise.resolve({
      groupId,
      state: "stable",
      groupEpoch: 3,
      assignmentEpoch: 3,
      assignor: "uniform",
      members: [],
      offsets: [],
    });
  }

  deleteGroup(groupId: string): Promise<void> {
    return Promise.reject(new CodedError("GROUP_NOT_EMPTY", `${groupId} has members`));
  }
}

function welcomeAll(message: MemberMessage): readonly CoordinatorMessage[] {
  switch (message.type) {
    case "join":
      return [
        {
          type: "welcome",
          memberId: message.memberId,
          memberEpoch: 1,
          pingIntervalMs: 1_000,
          sessionTimeoutMs: message.sessionTimeoutMs,
          coordinatorEpoch: 5,
        },
        {
          type: "assign",
          memberEpoch: 1,
          revision: 1,
          assigned: [{ topic: "orders", partitions: [0, 1] }],
        },
      ];
    case "commit":
      return [{ type: "committed", correlation: message.correlation }];
    case "leave":
      return [{ type: "left" }];
    case "state":
    case "ping":
      return [];
  }
}
