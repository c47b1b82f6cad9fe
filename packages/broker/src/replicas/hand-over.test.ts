import { brokerId, type ReplicaEpoch, replicaNumber } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { type HandOverOutcome, handOverLeaderships } from "./hand-over.ts";

const replica = (id: number) => ({ brokerId: brokerId(id), replicaEpoch: 1 as ReplicaEpoch });
const number = (id: number): number => replicaNumber(replica(id));

/** A group on brokers 1 to 3 that this broker, 1, leads, until one of `willing` is asked. */
function ledGroup(...willing: readonly number[]) {
  const asked: number[] = [];
  const group = {
    self: number(1),
    role: "leader",
    transferLeadership(to: number) {
      asked.push(to);
      if (willing.map(number).includes(to)) group.role = "follower";
    },
  };
  return { asked, handle: { replicas: [replica(1), replica(2), replica(3)], group } };
}

async function handOver(
  groups: readonly ReturnType<typeof ledGroup>[],
  up: readonly number[],
): Promise<HandOverOutcome | undefined> {
  const time = new ManualTime();
  let left: HandOverOutcome | undefined;
  const done = handOverLeaderships({
    groups: () => groups.map(({ handle }) => handle),
    isUp: (broker) => up.includes(broker),
    clock: time,
    timers: time,
    timeoutMs: 3_000,
  }).then((outcome) => {
    left = outcome;
  });
  await time.advanceAsync(4_000);
  await done;
  return left;
}

describe("handOverLeaderships", () => {
  it("spreads what this broker leads over the replicas that are up", async () => {
    const groups = [ledGroup(2, 3), ledGroup(2, 3)];
    expect(await handOver(groups, [2, 3])).toEqual({ stillLed: 0, notTaken: 0 });
    expect(groups.map(({ asked }) => asked)).toEqual([[number(2)], [number(3)]]);
  });

  it("asks the next replica when one does not take over", async () => {
    const group = ledGroup(3);
    expect(await handOver([group], [2, 3])).toEqual({ stillLed: 0, notTaken: 0 });
    expect(group.asked).toEqual([number(2), number(3)]);
  });

  it("does not wait when nobody is in reach, and gives up in time when nobody takes over", async () => {
    const alone = ledGroup(2, 3);
    expect(await handOver([alone], [])).toEqual({ stillLed: 1, notTaken: 0 });
    expect(alone.asked).toEqual([]);
    expect(await handOver([ledGroup()], [2])).toEqual({ stillLed: 1, notTaken: 1 });
  });
});
