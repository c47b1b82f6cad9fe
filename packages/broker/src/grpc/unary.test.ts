import { callUnary } from "@stratalog/protocol";
import { expect, it } from "vitest";
import { startApi } from "./testing/running-api.ts";
import { CALL_TIMEOUT_MS_MAX } from "./unary.ts";

it("gives a call the time that its client names, up to CALL_TIMEOUT_MS_MAX", async () => {
  await using api = await startApi({ requestTimeoutMs: 7_000 });
  const given: (number | undefined)[] = [];
  const client = api.client("GroupService");
  const find = client.findCoordinator.bind(client);
  for (const askedMs of [20_000, CALL_TIMEOUT_MS_MAX + 60_000, Number.POSITIVE_INFINITY]) {
    await callUnary(find, { groupId: "billing" }, { deadlineMs: Date.now() + askedMs });
    given.push(api.coordinator.findTimeoutMs);
  }
  const [asked = 0, cut, unasked] = given;
  expect(asked).toBeGreaterThan(10_000);
  expect(asked).toBeLessThanOrEqual(20_000);
  expect([cut, unasked]).toEqual([300_000, 7_000]);
});
