import { type BrokerId, brokerId, groupNumber } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { LeaderGossip } from "./leader-gossip.ts";
import type { LedGroup } from "./leader-news.ts";
import { LeaderTable } from "./leader-table.ts";

/** Two brokers on one channel; 1 leads what `led` says, 2 listens. */
async function createFixture() {
  const time = new ManualTime();
  let receive: (from: BrokerId, body: Uint8Array) => void = () => {};
  const sent: Uint8Array[] = [];
  const silent = { broadcast: () => {}, on: () => {} };
  const led: LedGroup[] = [];
  const speaker = new LeaderGossip({
    channel: {
      ...silent,
      broadcast: (_topic, body) => {
        sent.push(body);
        receive(brokerId(1), body);
      },
    },
    table: new LeaderTable(),
    ledGroups: () => led,
    timers: time,
  });
  const table = new LeaderTable();
  const listener = new LeaderGossip({
    channel: {
      ...silent,
      on: (_topic, fn) => {
        receive = fn;
      },
    },
    table,
    ledGroups: () => [],
    timers: time,
  });
  await listener.start();
  await speaker.start();
  return {
    time,
    led,
    speaker,
    table,
    sent,
    receive: (body: Uint8Array) => receive(brokerId(1), body),
  };
}

describe("LeaderGossip", () => {
  it("tells of a change at the end of the turn, once for all changes of the turn", async () => {
    const { time, led, speaker, table, sent } = await createFixture();
    led.push({ group: groupNumber(4), term: 2 }, { group: groupNumber(5), term: 3 });
    speaker.tellSoon();
    speaker.tellSoon();
    time.advance(0);
    expect(sent).toHaveLength(1);
    expect(table.leaderOf(groupNumber(5))).toEqual({ leader: 1, term: 3 });
  });

  it("says it all again every second, and stops when it is stopped", async () => {
    const { time, led, speaker, table, sent } = await createFixture();
    led.push({ group: groupNumber(4), term: 2 });
    time.advance(1_000);
    expect(table.leaderOf(groupNumber(4))).toEqual({ leader: 1, term: 2 });
    await speaker.stop();
    speaker.tellSoon();
    time.advance(5_000);
    expect(sent).toHaveLength(1);
  });

  it("ignores bytes that are no news", async () => {
    const { table, receive } = await createFixture();
    receive(new Uint8Array(13));
    expect(table.leaderOf(groupNumber(0))).toBeUndefined();
  });
});
