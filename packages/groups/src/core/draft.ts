import { type GroupId, present } from "@stratalog/base";
import type { Group, GroupsState } from "./group.ts";
import type { GroupRecord } from "./records.ts";
import { replay } from "./replay.ts";

/**
 * Records being made, and the state that they make so far: each step of a handler sees the ones
 * before.
 */
export class Draft {
  readonly records: GroupRecord[] = [];
  #state: GroupsState;

  constructor(state: GroupsState) {
    this.#state = state;
  }

  add(record: GroupRecord): void {
    this.records.push(record);
    this.#state = replay(this.#state, record);
  }

  find(groupId: GroupId): Group | undefined {
    return this.#state.groups.get(groupId);
  }

  group(groupId: GroupId): Group {
    return present(this.find(groupId), `group ${groupId}`);
  }
}
