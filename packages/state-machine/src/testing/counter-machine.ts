import { decodeJson, encodeJson, shape } from "@stratalog/base";
import type { StateMachineDefinition } from "../core/definition.ts";

/**
 * A sum that never goes below zero, and the number of changes: the smallest state machine with a
 * rule.
 */
export interface Counter {
  readonly sum: number;
  readonly changes: number;
}

export interface AddCommand {
  readonly add: number;
}

export interface Added {
  readonly type: "added";
  readonly amount: number;
}

const addedShape = shape.tagged({ added: shape.object({ amount: shape.integer() }) });
const counterShape = shape.object({ sum: shape.integer(0), changes: shape.integer(0) });

/** Answers the sum after the change; adding 0 makes no record. */
export const counterMachine: StateMachineDefinition<Counter, AddCommand, Added, number> = {
  name: "counter",
  initialState: () => ({ sum: 0, changes: 0 }),
  handle(state, { add }) {
    const sum = state.sum + add;
    if (sum < 0) return { ok: false, code: "INVALID_REQUEST", message: `the sum would be ${sum}` };
    const records: Added[] = add === 0 ? [] : [{ type: "added", amount: add }];
    return { ok: true, records, response: sum };
  },
  replay: (state, { amount }) => ({ sum: state.sum + amount, changes: state.changes + 1 }),
  recordToJson: (record) => ({ version: 1, ...record }),
  recordFromJson: (value) => addedShape.read(value, "record"),
  encodeSnapshot: (state) => encodeJson(state),
  decodeSnapshot: (bytes) => decodeJson(bytes, counterShape),
};
