import { silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { TickSource } from "./tick-source.ts";

/** A clock that can be ahead of the timers: a process that stood still. */
class StallingTime extends ManualTime {
  stalledMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.stalledMs;
  }
}

function start(): { time: StallingTime; ticks: TickSource; count: () => number } {
  const time = new StallingTime();
  let count = 0;
  const onTick = (): void => {
    count++;
  };
  const shared = { clock: time, timers: time, logger: silentLogger, onTick };
  const ticks = new TickSource({ ...shared, tickMs: 50, stallMs: 500 });
  ticks.start();
  return { time, ticks, count: () => count };
}

describe("TickSource", () => {
  it("ticks once per interval", () => {
    const { time, count } = start();
    time.advance(1000);
    expect(count()).toBe(20);
  });

  it("makes up for a little delay, a few ticks at a time", () => {
    const { time, count } = start();
    time.stalledMs += 100;
    time.advance(50);
    expect(count()).toBe(2);
  });

  it("leaves out the tick after a stall, so that sockets are read first", () => {
    const { time, ticks, count } = start();
    time.stalledMs += 10_000;
    time.advance(50);
    expect([count(), ticks.stallCount]).toEqual([0, 1]);
    time.advance(50);
    expect(count()).toBe(1);
  });

  it("goes on ticking on a host that is slow all the time", () => {
    const { time, count } = start();
    for (let i = 0; i < 10; i++) {
      time.stalledMs += 1000;
      time.advance(50);
    }
    expect(count()).toBe(5);
  });

  it("is silent once stopped", () => {
    const { time, ticks, count } = start();
    ticks.stop();
    time.advance(1000);
    expect([count(), time.pendingCount]).toEqual([0, 0]);
  });
});
