import { type GroupNumber, groupNumber, SeededRandom } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { CampaignSchedule } from "./campaign-schedule.ts";

const GROUP = groupNumber(1);

interface Rig {
  readonly time: ManualTime;
  readonly schedule: CampaignSchedule;
  readonly calls: (readonly [group: GroupNumber, timeMs: number])[];
}

function create(answer: (group: GroupNumber) => "again" | "done" = () => "again"): Rig {
  const time = new ManualTime();
  const calls: (readonly [GroupNumber, number])[] = [];
  const campaign = (group: GroupNumber): "again" | "done" => {
    calls.push([group, time.monotonicMs()]);
    return answer(group);
  };
  const random = new SeededRandom(1);
  const schedule = new CampaignSchedule({ clock: time, timers: time, random, campaign });
  return { time, calls, schedule };
}

describe("CampaignSchedule", () => {
  it("tries again at growing intervals and gives up after a few attempts", () => {
    const { time, schedule, calls } = create();
    schedule.plan(GROUP, 30);
    time.advance(60_000);
    const times = calls.map(([, timeMs]) => timeMs);
    expect(times).toHaveLength(6);
    expect(times[0]).toBe(30);
    for (const [index, timeMs] of times.slice(1).entries()) {
      const pauseMs = timeMs - (times[index] ?? 0);
      expect(pauseMs).toBeGreaterThanOrEqual(100 * 2 ** index);
      expect(pauseMs).toBeLessThanOrEqual(150 * 2 ** index);
    }
    expect(time.pendingCount).toBe(0);
  });

  it("brings a planned election forward, and plans none that was not wanted", () => {
    const { time, schedule, calls } = create(() => "done");
    schedule.plan(GROUP, 500);
    schedule.hasten(GROUP, 5);
    schedule.hasten(groupNumber(2), 5);
    time.advance(1_000);
    expect(calls).toEqual([[GROUP, 5]]);
  });

  it("puts a planned election off, but never brings it forward by that", () => {
    const { time, schedule, calls } = create(() => "done");
    schedule.plan(GROUP, 100);
    schedule.plan(groupNumber(2), 400);
    schedule.postpone(GROUP, 300);
    schedule.postpone(groupNumber(2), 300);
    time.advance(1_000);
    expect(calls).toEqual([
      [GROUP, 300],
      [groupNumber(2), 400],
    ]);
  });

  it("stops once the campaign says that it is done", () => {
    const { time, schedule, calls } = create(() => "done");
    schedule.plan(GROUP, 0);
    time.advance(5000);
    expect(calls).toHaveLength(1);
  });

  it("starts no more than a bounded number of elections in one step", () => {
    const { time, schedule, calls } = create(() => "done");
    for (let i = 0; i < 200; i++) schedule.plan(groupNumber(i), 0);
    time.advance(0);
    expect(calls).toHaveLength(64);
    time.advance(40);
    expect(new Set(calls.map(([group]) => group)).size).toBe(200);
  });

  it("tries again at once when a peer has come up, but hurries nothing that was not tried yet", () => {
    const { time, schedule, calls } = create();
    schedule.plan(GROUP, 0);
    schedule.plan(groupNumber(2), 500);
    time.advance(10);
    schedule.hurry();
    time.advance(10);
    expect(calls).toEqual([
      [GROUP, 0],
      [GROUP, 10],
    ]);
  });

  it("forgets a dropped group and everything when it stops", () => {
    const { time, schedule, calls } = create();
    schedule.plan(GROUP, 10);
    schedule.plan(groupNumber(2), 10);
    schedule.drop(GROUP);
    time.advance(20);
    expect(calls).toEqual([[2, 10]]);
    schedule.stop();
    time.advance(10_000);
    expect(calls).toHaveLength(1);
  });
});
