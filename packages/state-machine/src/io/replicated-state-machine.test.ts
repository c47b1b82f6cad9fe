import { SeededRandom, silentLogger } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore, settle } from "@stratalog/base/testing";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import {
  type AddCommand,
  type Added,
  type Counter,
  counterMachine,
} from "../testing/counter-machine.ts";
import { FakeRaftCluster, type FakeRaftGroup } from "../testing/fake-raft-cluster.ts";
import { stateMachineContract } from "../testing/state-machine-contract.ts";
import type { StateMachineLimits } from "./options.ts";
import { ReplicatedStateMachine } from "./replicated-state-machine.ts";

// Replicas of a counter over a group whose elections and commits the test decides.

type CounterReplica = ReplicatedStateMachine<Counter, AddCommand, Added, number>;

interface Replica {
  readonly machine: CounterReplica;
  readonly group: FakeRaftGroup;
  readonly store: MemoryKeyValueStore;
  readonly dropped: number[];
  readonly fatal: Error[];
}

let time: ManualTime;
let raft: FakeRaftCluster;

beforeEach(() => {
  time = new ManualTime();
  raft = new FakeRaftCluster(time);
});

async function replica(
  self: number,
  options: { store?: MemoryKeyValueStore; limits?: Partial<StateMachineLimits> } = {},
): Promise<Replica> {
  const store = options.store ?? new MemoryKeyValueStore();
  const dropped: number[] = [];
  const fatal: Error[] = [];
  const machine = await ReplicatedStateMachine.open({
    definition: counterMachine,
    store,
    keyPrefix: "machine/1",
    clock: time,
    timers: time,
    random: new SeededRandom(1),
    logger: silentLogger,
    dropLogPrefix: (index) => dropped.push(index),
    onFatal: (error) => fatal.push(error),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const group = raft.join(self, machine, machine.appliedIndex);
  machine.attach(group);
  raft.deliver(group);
  return { machine, group, store, dropped, fatal };
}

function elect(one: Replica): void {
  raft.elect(one.group);
  raft.commit();
}

/** The answer's state so far. */
function watch(answer: Promise<number>): { outcome: string } {
  const watched = { outcome: "waiting" };
  answer.then(
    (value) => {
      watched.outcome = `answered ${value}`;
    },
    (error: { code: string }) => {
      watched.outcome = error.code;
    },
  );
  return watched;
}

async function turn(): Promise<void> {
  time.advance(0);
  await settle();
}

describe("ReplicatedStateMachine", () => {
  it("answers only after the entry is applied, with the sums that the handlers saw", async () => {
    const one = await replica(1);
    const two = await replica(2);
    elect(one);
    const answers = [3, 4, -2].map((add) => watch(one.machine.submit({ add })));
    await turn();
    expect(answers.map(({ outcome }) => outcome)).toEqual(["waiting", "waiting", "waiting"]);
    expect(one.machine.state.sum).toBe(0);
    raft.commit();
    await settle();
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      "answered 3",
      "answered 7",
      "answered 5",
    ]);
    expect(two.machine.state).toEqual({ sum: 5, changes: 3 });
  });

  it("puts the commands of one turn into one entry", async () => {
    const one = await replica(1);
    elect(one);
    const answers = Array.from({ length: 100 }, () => one.machine.submit({ add: 1 }));
    await turn();
    raft.commit();
    await Promise.all(answers);
    expect(one.machine.appliedIndex).toBe(2);
    expect(one.machine.state.sum).toBe(100);
  });

  it("parks refusals and reads behind the entries whose effects they saw", async () => {
    const one = await replica(1);
    elect(one);
    const add = watch(one.machine.submit({ add: 5 }));
    await turn();
    const read = watch(one.machine.submit({ add: 0 }));
    const refused = watch(one.machine.submit({ add: -6 }));
    await turn();
    expect([add, read, refused].map(({ outcome }) => outcome)).toEqual(Array(3).fill("waiting"));
    raft.commit();
    await settle();
    expect(add.outcome).toBe("answered 5");
    expect(read.outcome).toBe("answered 5");
    expect(refused.outcome).toBe("INVALID_REQUEST");
  });

  it("says NOT_LEADER on a follower and OUTCOME_UNKNOWN for what a lost leadership leaves open", async () => {
    const one = await replica(1);
    const two = await replica(2);
    elect(one);
    expect(watch(two.machine.submit({ add: 1 }))).toBeDefined();
    await expect(two.machine.submit({ add: 1 })).rejects.toMatchObject({
      code: "NOT_LEADER",
      details: { leaderReplica: 1 },
    });
    const proposed = watch(one.machine.submit({ add: 1 }));
    await turn();
    const queued = watch(one.machine.submit({ add: 1 }));
    elect(two);
    await settle();
    expect(proposed.outcome).toBe("OUTCOME_UNKNOWN");
    expect(queued.outcome).toBe("NOT_LEADER");
  });

  it("forgets the speculative state with the leadership", async () => {
    const one = await replica(1);
    const two = await replica(2);
    elect(one);
    const lost = watch(one.machine.submit({ add: 100 }));
    await turn();
    elect(two);
    elect(one);
    const answer = one.machine.submit({ add: 1 });
    await turn();
    raft.commit();
    await expect(answer).resolves.toBe(1);
    expect(lost.outcome).toBe("OUTCOME_UNKNOWN");
    expect(two.machine.state).toEqual(one.machine.state);
  });

  it("takes commands before its first entry is applied and carries them out after", async () => {
    const one = await replica(1);
    raft.elect(one.group);
    const answer = watch(one.machine.submit({ add: 2 }));
    await turn();
    raft.commit();
    time.advance(10);
    raft.commit();
    await settle();
    expect(answer.outcome).toBe("answered 2");
  });

  it("takes nothing back when a proposal is refused", async () => {
    const one = await replica(1);
    elect(one);
    one.group.refusal = "overloaded";
    const refused = watch(one.machine.submit({ add: 5 }));
    await turn();
    expect(refused.outcome).toBe("THROTTLED");
    one.group.refusal = undefined;
    const answer = one.machine.submit({ add: 1 });
    await turn();
    raft.commit();
    await expect(answer).resolves.toBe(1);
  });

  it("bounds the queue", async () => {
    const one = await replica(1, { limits: { submissionsMax: 2 } });
    elect(one);
    const answers = [1, 1, 1].map((add) => watch(one.machine.submit({ add })));
    await turn();
    raft.commit();
    await settle();
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      "answered 1",
      "answered 2",
      "THROTTLED",
    ]);
  });

  it("reads what a quorum confirms, and not on a leader that was deposed unawares", async () => {
    const one = await replica(1);
    const two = await replica(2);
    elect(one);
    const answer = one.machine.submit({ add: 9 });
    await turn();
    raft.commit();
    await answer;
    const read = one.machine.read();
    await turn();
    await expect(read).resolves.toEqual({ sum: 9, changes: 1 });
    raft.electBehind(two.group, one.group);
    const stale = one.machine.read();
    const outcome = expect(stale).rejects.toMatchObject({ code: "NOT_LEADER" });
    await turn();
    await outcome;
  });

  it("continues from its snapshot and drops the log below the margin", async () => {
    const limits = { snapshotEntries: 10, logMarginEntries: 3 };
    const one = await replica(1, { limits });
    elect(one);
    for (let i = 0; i < 25; i++) {
      const answer = one.machine.submit({ add: 1 });
      await turn();
      raft.commit();
      await answer;
    }
    expect(one.dropped).toEqual([7, 17]);
    const restarted = await replica(3, { store: one.store.crash() });
    expect(restarted.machine.state).toEqual({ sum: 25, changes: 25 });
    expect(restarted.machine.appliedIndex).toBe(26);
    expect(restarted.fatal).toEqual([]);
  });

  it("replaces its state by a received snapshot, durably before it says so", async () => {
    const one = await replica(1);
    elect(one);
    const answer = one.machine.submit({ add: 4 });
    await turn();
    raft.commit();
    await answer;
    const store = new MemoryKeyValueStore();
    const behind = await ReplicatedStateMachine.open({
      definition: counterMachine,
      store,
      keyPrefix: "machine/1",
      clock: time,
      timers: time,
      random: new SeededRandom(1),
      logger: silentLogger,
      dropLogPrefix: () => {},
      onFatal: () => {},
    });
    const seen: unknown[] = [];
    behind.onChange(({ index, records }) => seen.push([index, records]));
    await behind.onSnapshot({ index: 2, term: 1, data: one.machine.createSnapshot() });
    expect(behind.state).toEqual({ sum: 4, changes: 1 });
    expect(seen).toEqual([[2, undefined]]);
    const older = {
      index: 1,
      term: 1,
      data: counterMachine.encodeSnapshot({ sum: 0, changes: 0 }),
    };
    await behind.onSnapshot(older);
    expect(behind.state).toEqual({ sum: 4, changes: 1 });
    const restarted = await replica(5, { store: store.crash() });
    expect(restarted.machine.appliedIndex).toBe(2);
  });

  it("stops the broker at an entry it cannot read, and refuses a damaged snapshot", async () => {
    const one = await replica(1);
    elect(one);
    one.group.propose({ kind: "command", payload: new Uint8Array([255]) });
    raft.commit();
    expect(one.fatal.map(({ message }) => message)).toEqual([
      "counter: entry 2 is damaged: not UTF-8",
    ]);
    expect(one.machine.appliedIndex).toBe(1);
    expect(() => one.machine.createSnapshot()).toThrow("a snapshot would lack an entry");
    const store = new MemoryKeyValueStore(new Map([["machine/1/head", new Uint8Array([1])]]));
    await expect(replica(2, { store })).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
  });

  it("does not let the log be replaced by a snapshot that it cannot read", async () => {
    const one = await replica(1);
    const received = { index: 9, term: 2, data: new Uint8Array([255]) };
    await expect(one.machine.onSnapshot(received)).rejects.toMatchObject({
      code: "STORAGE_DAMAGED",
    });
    expect(one.machine.appliedIndex).toBe(0);
    expect(one.fatal.length).toBe(1);
  });

  it("agrees on every replica after any history of commands, elections and commits", async () => {
    const step = fc.oneof(
      fc.record({
        type: fc.constant("submit" as const),
        at: fc.nat(2),
        add: fc.integer({ min: -5, max: 9 }),
      }),
      fc.record({ type: fc.constant("elect" as const), at: fc.nat(2) }),
      fc.record({ type: fc.constant("commit" as const) }),
      fc.record({ type: fc.constant("turn" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        time = new ManualTime();
        raft = new FakeRaftCluster(time);
        const replicas = [await replica(1), await replica(2), await replica(3)];
        const at = (position: number): Replica => replicas[position] ?? replicas[0]!;
        const promised: number[] = [];
        let acknowledged = 0;
        for (const one of [
          ...steps,
          { type: "elect", at: 0 } as const,
          { type: "commit" } as const,
        ]) {
          if (one.type === "submit") {
            at(one.at)
              .machine.submit({ add: one.add })
              .then(
                () => {
                  acknowledged += one.add === 0 ? 0 : 1;
                },
                (error: { code: string }) => promised.push(error.code.length),
              );
          } else if (one.type === "elect") raft.elect(at(one.at).group);
          else if (one.type === "commit") raft.commit();
          await turn();
        }
        const [first, ...others] = replicas.map(({ machine }) => machine.state);
        for (const other of others) expect(other).toEqual(first);
        expect(first?.changes).toBeGreaterThanOrEqual(acknowledged);
        expect(replicas.flatMap(({ fatal }) => fatal)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

stateMachineContract({
  definition: counterMachine,
  commands: fc.array(fc.record({ add: fc.integer({ min: -10, max: 20 }) }), { maxLength: 40 }),
  plain: (state) => state,
});
