import { describe, expect, it } from "vitest";
import { type Startable, startAll, stopAll } from "./startable.ts";

function part(name: string, log: string[], failsAt?: "start" | "stop"): Startable {
  const step = (what: "start" | "stop") => (): Promise<void> => {
    log.push(`${what} ${name}`);
    return failsAt === what ? Promise.reject(new Error(`${what} ${name}`)) : Promise.resolve();
  };
  return { name, start: step("start"), stop: step("stop") };
}

describe("startAll and stopAll", () => {
  it("start in order and stop in reverse", async () => {
    const log: string[] = [];
    const parts = [part("a", log), part("b", log)];
    await startAll(parts);
    await stopAll(parts);
    expect(log).toEqual(["start a", "start b", "stop b", "stop a"]);
  });

  it("stop what already runs when one part fails to start", async () => {
    const log: string[] = [];
    const parts = [part("a", log), part("b", log, "start"), part("c", log)];
    await expect(startAll(parts)).rejects.toThrow("start b");
    expect(log).toEqual(["start a", "start b", "stop a"]);
  });

  it("stop every part even when one fails, then say so", async () => {
    const log: string[] = [];
    await expect(stopAll([part("a", log), part("b", log, "stop")])).rejects.toThrow("stop b");
    expect(log).toEqual(["stop b", "stop a"]);
  });
});
