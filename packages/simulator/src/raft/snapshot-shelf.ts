import type { GroupNumber } from "@stratalog/base";
import type { SimNode } from "../kernel/sim-node.ts";
import type { MachineState } from "./sim-machine.ts";

/**
 * Where the state machines of one machine keep their snapshots: safe a while after they are put.
 */
export class SnapshotShelf {
  readonly #node: SimNode;
  readonly #latencyMs: () => number;
  readonly #stored = new Map<GroupNumber, MachineState>();

  constructor(node: SimNode, latencyMs: () => number) {
    this.#node = node;
    this.#latencyMs = latencyMs;
  }

  get(group: GroupNumber): MachineState | undefined {
    return this.#stored.get(group);
  }

  /** Stores a snapshot unless there is a later one; `done` runs once it is safe. */
  put(group: GroupNumber, state: MachineState, done: () => void): void {
    this.#node.schedule(this.#latencyMs(), () => {
      if ((this.get(group)?.index ?? 0) < state.index) this.#stored.set(group, state);
      done();
    });
  }
}
