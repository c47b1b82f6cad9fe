import { type GroupNumber, groupNumber } from "@stratalog/base";
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
  return { time, calls, schedule: new CampaignSchedule({ clock: time, timers: time, campaign }) };
}

describe("CampaignSchedule", () => {
  it("tries again at growing intervals and gives up after a few attempts", () => {
    const { time, schedule, calls } = create();
    schedule.plan(GROUP, 30);
    time.advance(60_000);
    expect(calls.map(([, timeMs]) => timeMs)).toEqual([30, 230, 630, 1430, 3030]);
    expect(time.pendingCount).toBe(0);
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
