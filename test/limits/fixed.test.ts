// Limits without a setting: as much as the bound passes, one more is refused by its code.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXED_LIMITS } from "./fixed-limits.ts";
import { LimitedBroker } from "./limited-broker.ts";

let broker: LimitedBroker;

beforeAll(async () => {
  broker = await LimitedBroker.start({ "log.level": "silent" });
});

afterAll(() => broker[Symbol.asyncDispose]());

describe("a fixed limit", () => {
  it.each(FIXED_LIMITS)("$what: $bound", async ({ bound, code, ask }) => {
    const [within, beyond] = [await ask(bound)(broker.target), await ask(bound + 1)(broker.target)];
    broker.target.release();
    // What is within the bound may be wrong for another reason.
    expect(within).not.toMatchObject({ code });
    expect(beyond).toMatchObject({ code });
  });
});
