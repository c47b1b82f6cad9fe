import { machineRandom, silentLogger } from "@stratalog/base";
import { ManualTime, settle } from "@stratalog/base/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { Scope } from "../scope.ts";
import { AdmissionQueue } from "./admission-queue.ts";
import { BufferMemory } from "./buffer-memory.ts";

let time: ManualTime;
let scope: Scope;
let memory: BufferMemory;

beforeEach(() => {
  time = new ManualTime();
  scope = new Scope("producer", time);
  const transport = {
    connect: () => {
      throw new Error("not dialled here");
    },
  };
  const environment = {
    clock: time,
    timers: time,
    random: machineRandom,
    logger: silentLogger,
    transport,
  };
  memory = new BufferMemory({ limitBytes: 100, maxBlockMs: 1_000, environment, scope });
});

/** What became of a promise so far. */
function watch(promise: Promise<void>): { state: string } {
  const seen = { state: "waiting" };
  promise.then(
    () => {
      seen.state = "room";
    },
    (error: unknown) => {
      seen.state = String((error as { code?: unknown }).code);
    },
  );
  return seen;
}

describe("a producer's memory", () => {
  test("lets waiting sends go on when some of it is given back", async () => {
    memory.take(150);
    expect(memory.hasRoom).toBe(false);
    const waiting = watch(memory.waitForRoom());
    memory.giveBack(40);
    await settle();
    expect(waiting.state).toBe("waiting");
    memory.giveBack(20);
    await settle();
    expect(waiting.state).toBe("room");
    expect(time.pendingCount).toBe(0);
  });

  test("refuses after the time that a send may be blocked, each send its own", async () => {
    memory.take(150);
    const first = watch(memory.waitForRoom());
    await time.advanceAsync(600);
    const second = watch(memory.waitForRoom());
    await time.advanceAsync(500);
    expect([first.state, second.state]).toEqual(["BUFFER_FULL", "waiting"]);
    await time.advanceAsync(600);
    expect(second.state).toBe("BUFFER_FULL");
  });

  test("ends every wait when the producer closes, and when a signal aborts", async () => {
    memory.take(150);
    const controller = new AbortController();
    const waiting = [watch(memory.waitForRoom()), watch(memory.waitForRoom(controller.signal))];
    controller.abort();
    await settle();
    expect(waiting[1]?.state).toBe("ABORTED");
    scope.close();
    await settle();
    expect(waiting[0]?.state).toBe("CLOSED");
    await expect(memory.waitForRoom()).rejects.toMatchObject({ code: "CLOSED" });
    expect(time.pendingCount).toBe(0);
  });
});

describe("the admission queue", () => {
  test("keeps the order of a topic, and goes on after a failure", async () => {
    const queue = new AdmissionQueue();
    const seen: string[] = [];
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const first = queue.admit("a", async () => {
      await gate;
      throw new Error("first");
    });
    const second = queue.admit("a", () => {
      seen.push("second");
      return Promise.resolve();
    });
    await queue.admit("b", () => {
      seen.push("other");
      return Promise.resolve();
    });
    expect(queue.hasWaiting("a")).toBe(true);
    open();
    await expect(first).rejects.toThrow("first");
    await second;
    await queue.idle();
    expect(seen).toEqual(["other", "second"]);
    expect(queue.hasWaiting("a")).toBe(false);
  });
});

describe("a scope", () => {
  test("closes with its parent, and not the other way round", () => {
    const child = new Scope("child", time, scope);
    const sibling = new Scope("sibling", time, scope);
    child.close();
    expect([scope.isClosed, sibling.isClosed]).toEqual([false, false]);
    scope.close();
    expect(sibling.isClosed).toBe(true);
    expect(new Scope("late", time, scope).isClosed).toBe(true);
  });

  test("leaves no timer behind when a sleep ends early", async () => {
    const controller = new AbortController();
    const sleeping = watch(scope.sleep(5_000, controller.signal));
    controller.abort();
    await settle();
    expect(sleeping.state).toBe("ABORTED");
    expect(time.pendingCount).toBe(0);
  });
});
