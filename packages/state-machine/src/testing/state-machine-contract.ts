import { SeededRandom } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "../core/command-entry.ts";
import type { StateMachineDefinition } from "../core/definition.ts";

/** What a state machine must hold, whatever it is. */
export interface StateMachineContract<State, Command, Record, Response> {
  readonly definition: StateMachineDefinition<State, Command, Record, Response>;
  /** Histories of commands, with time between them. */
  readonly commands: fc.Arbitrary<readonly Command[]>;
  /** The state as plain data that is equal when the states are. */
  readonly plain: (state: State) => unknown;
}

/**
 * Replay(handle(x)) equals the live state; records survive their bytes; a snapshot is the identity;
 * handling changes nothing by itself.
 */
export function stateMachineContract<State, Command, Record, Response>(
  contract: StateMachineContract<State, Command, Record, Response>,
): void {
  const { definition, commands, plain } = contract;

  describe(`${definition.name} as a state machine`, () => {
    it("makes the same state from its log's bytes, live and from a snapshot at any point", () => {
      fc.assert(
        fc.property(commands, fc.nat(), (history, seed) => {
          const random = new SeededRandom(seed);
          let live = definition.initialState();
          let replayed = definition.initialState();
          for (const [step, command] of history.entries()) {
            const before = JSON.stringify(plain(live));
            const context = { nowMs: 1_700_000_000_000 + step * 1_000, random };
            const decision = definition.handle(live, command, context);
            expect(JSON.stringify(plain(live))).toBe(before);
            if (!decision.ok) continue;
            for (const record of decision.records) live = definition.replay(live, record);
            const texts = decision.records.map((record) => {
              return JSON.stringify(definition.recordToJson(record));
            });
            const entry = decodeEntry(encodeEntry(texts), (value) => {
              return definition.recordFromJson(value);
            });
            if (!entry.ok) throw new Error(entry.reason);
            for (const record of entry.value) replayed = definition.replay(replayed, record);
            if (step % 7 === 0) {
              const loaded = definition.decodeSnapshot(definition.encodeSnapshot(replayed));
              if (!loaded.ok) throw new Error(loaded.reason);
              replayed = loaded.value;
            }
          }
          expect(plain(replayed)).toEqual(plain(live));
        }),
      );
    });

    it("refuses bytes that are no snapshot and values that are no record", () => {
      expect(definition.decodeSnapshot(new Uint8Array([1, 2, 3])).ok).toBe(false);
      for (const value of [null, 7, {}, { type: "no such record", version: 1 }]) {
        expect(() => definition.recordFromJson(value)).toThrow("expected");
      }
    });
  });
}
