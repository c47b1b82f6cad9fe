import { ManualTime, settle } from "@stratalog/base/testing";
import { expect, test } from "vitest";
import { Scope } from "./scope.ts";

test("a thousand waits leave one listener on a signal, and end together", async () => {
  const scope = new Scope("client", new ManualTime());
  const warnings: unknown[] = [];
  const onWarning = (warning: Error): void => {
    warnings.push(warning.name);
  };
  process.on("warning", onWarning);
  const controller = new AbortController();
  const waits = Array.from({ length: 1000 }, () =>
    scope.race(new Promise<void>(() => {}), controller.signal),
  );
  const outcomes = Promise.allSettled(waits);
  await settle();
  controller.abort();
  expect((await outcomes).every(({ status }) => status === "rejected")).toBe(true);
  await expect(scope.race(Promise.resolve(1), controller.signal)).rejects.toMatchObject({
    code: "ABORTED",
  });
  expect(await scope.race(Promise.resolve(1))).toBe(1);
  await settle();
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});

test("closing a scope closes what began under it, once", async () => {
  const parent = new Scope("client", new ManualTime());
  const children = Array.from(
    { length: 20 },
    () => new Scope("producer", new ManualTime(), parent),
  );
  let count = 0;
  for (const child of children) child.onClose(() => count++);
  const closed = children.map((child) => child.closed);
  parent.close();
  parent.close();
  await Promise.all(closed);
  expect(count).toBe(20);
});
