import { type BrokerId, CodedError } from "@stratalog/base";
import type {
  CommitOffsetsRequest,
  DescribeGroupResponse,
  FetchOffsetsRequest,
  FetchOffsetsResponse,
  FindCoordinatorResponse,
  Input,
  ListGroupsRequest,
  ListGroupsResponse,
} from "@stratalog/protocol";
import { checkCount, epochFromWire } from "@stratalog/protocol";
import { type CallContext, checkFormed } from "./call-context.ts";
import { checkGroupId, offsetsFromWire, partitionsFromWire } from "./group-messages.ts";
import { addressOn } from "./leader-address.ts";
import type {
  ClusterMetadata,
  CoordinatorMessage,
  GroupCoordinator,
  MemberSession,
} from "./ports.ts";

/**
 * Consumer groups outside of their sessions, and the door to sessions. Rejects with CodedErrors.
 */
export class GroupService {
  readonly #brokerId: BrokerId;
  readonly #metadata: ClusterMetadata;
  readonly #coordinator: GroupCoordinator;

  constructor(options: {
    readonly brokerId: BrokerId;
    readonly metadata: ClusterMetadata;
    readonly coordinator: GroupCoordinator;
  }) {
    this.#brokerId = options.brokerId;
    this.#metadata = options.metadata;
    this.#coordinator = options.coordinator;
  }

  openSession(send: (message: CoordinatorMessage) => void): MemberSession {
    return this.#coordinator.openSession(send);
  }

  /** The coordinating broker, at its address on the caller's listener. */
  async findCoordinator(
    groupId: string,
    context: CallContext,
  ): Promise<Input<FindCoordinatorResponse>> {
    checkFormed(this.#metadata);
    checkGroupId(groupId);
    const { timeoutMs } = context;
    const brokerId = await this.#coordinator.findCoordinator(groupId, { timeoutMs });
    const address = addressOn(this.#metadata.image, brokerId, context.listener);
    if (address === undefined) {
      throw new CodedError(
        "COORDINATOR_NOT_AVAILABLE",
        `broker ${brokerId} coordinates ${groupId} and has no listener ${context.listener}`,
      );
    }
    return { brokerId, host: address.host, port: address.port };
  }

  async commitOffsets(request: CommitOffsetsRequest): Promise<void> {
    checkGroupId(request.groupId);
    checkCount(request.offsets, { name: "offsets", min: 1, max: 10_000 });
    const { memberId } = request;
    const memberEpoch = epochFromWire(request.memberEpoch, "member_epoch") ?? 0;
    await this.#coordinator.commitOffsets({
      groupId: request.groupId,
      ...(memberId === "" ? {} : { member: { memberId, memberEpoch } }),
      offsets: offsetsFromWire(request.offsets),
    });
  }

  async fetchOffsets(request: FetchOffsetsRequest): Promise<Input<FetchOffsetsResponse>> {
    checkGroupId(request.groupId);
    const partitions = partitionsFromWire(request.partitions);
    const wanted = partitions.length === 0 ? "all" : partitions;
    return { offsets: await this.#coordinator.fetchOffsets(request.groupId, wanted) };
  }

  async listGroups(request: ListGroupsRequest): Promise<Input<ListGroupsResponse>> {
    const groups = await this.#coordinator.listGroups();
    return {
      groups: groups
        .filter((group) => group.groupId.startsWith(request.prefix))
        .map((group) => ({ ...group, coordinatorId: this.#brokerId })),
    };
  }

  async describeGroup(groupId: string): Promise<Input<DescribeGroupResponse>> {
    checkGroupId(groupId);
    const group = await this.#coordinator.describeGroup(groupId);
    return { ...group, coordinatorId: this.#brokerId };
  }

  async deleteGroup(groupId: string): Promise<void> {
    checkGroupId(groupId);
    await this.#coordinator.deleteGroup(groupId);
  }
}
