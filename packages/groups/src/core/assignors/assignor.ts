import type { MemberId, TopicId } from "@stratalog/base";
import type { AssignorName, SubscribedTopic } from "../group.ts";
import type { PartitionKey } from "../partition-key.ts";
import { assignRange } from "./range.ts";
import { assignUniform } from "./uniform.ts";

/** One member, as an assignor sees it. */
export interface AssignorMember {
  readonly memberId: MemberId;
  /** Topics that it wants and that exist. */
  readonly topics: ReadonlySet<TopicId>;
  /** Its target so far. */
  readonly previous: ReadonlySet<PartitionKey>;
}

/** What is to be shared out, and among whom. Members come by id, topics by name. */
export interface AssignorInput {
  readonly members: readonly AssignorMember[];
  readonly topics: readonly SubscribedTopic[];
}

/**
 * Everything that each member should own. Deterministic; every wanted partition is in exactly one
 * set.
 */
export type Targets = ReadonlyMap<MemberId, ReadonlySet<PartitionKey>>;

/** Runs an assignor. */
export function assign(name: AssignorName, input: AssignorInput): Targets {
  return name === "uniform" ? assignUniform(input) : assignRange(input);
}
