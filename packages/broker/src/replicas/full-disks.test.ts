import { brokerId, type BrokerId, replicaIdentity } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { expect, test } from "vitest";
import { FullDisks } from "./full-disks.ts";

type Receive = (from: BrokerId, body: Uint8Array) => void;

const [one, two, three] = [brokerId(1), brokerId(2), brokerId(3)] as const;
const replicas = [one, two, three].map(replicaIdentity);

/** Three brokers that hear each other; each knows whether its own disk is full. */
function neighbours() {
  const time = new ManualTime();
  const full = new Set<BrokerId>();
  const heard: [by: BrokerId, from: BrokerId][] = [];
  const ears = new Map<BrokerId, Receive>();
  const tables = [one, two, three].map((self) => {
    const table = new FullDisks({
      channel: {
        on: (_topic, receive) => ears.set(self, receive),
        broadcast: (_topic, body) => {
          for (const [other, receive] of ears) if (other !== self) receive(self, body);
        },
      },
      clock: time,
      timers: time,
      isOwnFull: () => full.has(self),
      onFull: (broker) => heard.push([self, broker]),
    });
    table.start();
    return table;
  });
  const refuses = (): boolean => tables[0]!.leaveNoMajority(replicas);
  return { time, full, tables, heard, refuses };
}

test("one full follower of two leaves a majority; two do not, until one of them has room", async () => {
  const { time, full, refuses } = neighbours();
  full.add(two);
  await time.advanceAsync(1_100);
  expect(refuses()).toBe(false);
  full.add(three);
  await time.advanceAsync(1_100);
  expect(refuses()).toBe(true);
  full.delete(two);
  await time.advanceAsync(1_100);
  expect(refuses()).toBe(false);
});

test("each time that a broker says that its disk is full, the others hear of it", async () => {
  const { time, full, heard } = neighbours();
  full.add(two);
  await time.advanceAsync(1_100);
  expect(heard).toEqual([
    [one, two],
    [three, two],
  ]);
  await time.advanceAsync(1_000);
  expect(heard).toHaveLength(4);
  full.delete(two);
  await time.advanceAsync(2_000);
  expect(heard).toHaveLength(4);
});

test("what a broker said before it went away is forgotten", async () => {
  const { time, full, tables, refuses } = neighbours();
  full.add(two).add(three);
  await time.advanceAsync(1_100);
  expect(refuses()).toBe(true);
  tables[1]!.stop();
  tables[2]!.stop();
  await time.advanceAsync(5_100);
  expect(refuses()).toBe(false);
});
