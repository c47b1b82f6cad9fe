// Views against brokers that speak real gRPC on loopback.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect } from "../../grpc/connect.ts";
import { openLevelSnapshotStore } from "../../level/index.ts";
import { FakeCluster } from "../../testing/index.ts";
import type { Stratalog } from "../stratalog.ts";
import type { MaterializeOptions } from "./materialize-options.ts";
import type { MaterializedView } from "./materialized-view.ts";
import { MemorySnapshotStore, type SnapshotStore } from "./snapshot-store.ts";

let cluster: FakeCluster;
let log: Stratalog;

beforeEach(async () => {
  cluster = await FakeCluster.start(2);
  cluster.createTopic("accounts", 3);
  log = connect({ brokers: cluster.addresses, requestTimeoutMs: 5_000 });
});

afterEach(async () => {
  await log.close({ timeoutMs: 500 }).catch(() => {});
  await cluster.stop();
});

interface Account {
  readonly balance: number;
  readonly entries: number;
}

/** Amounts for seven accounts in turn; 0 closes the account. */
async function book(from: number, to: number): Promise<void> {
  const producer = log.producer({ maxBatchBytes: 300 });
  for (let index = from; index < to; index++) {
    const amount = index % 50 === 49 ? 0 : index;
    await producer.enqueue({ topic: "accounts", key: `a${index % 7}`, value: { amount } });
  }
  await producer.close();
}

function balance(state: Account | undefined, amount: number): Account | undefined {
  if (amount === 0) return undefined;
  return { balance: (state?.balance ?? 0) + amount, entries: (state?.entries ?? 0) + 1 };
}

const accounts: MaterializeOptions<Account> = {
  topic: "accounts",
  fold: (state, record) => balance(state, record.json<{ amount: number }>().amount),
};

/** What the fold must give, computed without a log. */
function expected(count: number): ReadonlyMap<string, Account> {
  const states = new Map<string, Account>();
  for (let index = 0; index < count; index++) {
    const key = `a${index % 7}`;
    const next = balance(states.get(key), index % 50 === 49 ? 0 : index);
    if (next === undefined) states.delete(key);
    else states.set(key, next);
  }
  return states;
}

function statesOf(view: MaterializedView<Account>): ReadonlyMap<string, Account> {
  return new Map(view);
}

describe("a view", () => {
  test("has what the records fold to, and goes on when asked", async () => {
    await book(0, 120);
    const view = await log.materialize(accounts);
    expect(statesOf(view)).toEqual(expected(120));
    expect(view.get(new TextEncoder().encode("a3"))).toEqual(expected(120).get("a3"));
    await book(120, 200);
    expect(statesOf(view)).toEqual(expected(120));
    await Promise.all([view.refresh(), view.refresh()]);
    expect(statesOf(view)).toEqual(expected(200));
    expect(view.foldedCount).toBe(200);
    const total = Object.values(view.offsets).reduce((sum, offset) => sum + offset, 0n);
    expect(total).toBe(200n);
  });

  test("stops where it is told to, and does not go back", async () => {
    await book(0, 30);
    const to = { offsets: { 0: 2, 1: 2, 2: 2 } };
    const view = await log.materialize({ ...accounts, to });
    expect(view.foldedCount).toBeLessThanOrEqual(6);
    await view.refresh();
    expect(statesOf(view)).toEqual(expected(30));
    await expect(view.refresh({ to })).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("groups by what it is told to, and refuses records without a key otherwise", async () => {
    await log.producer().sendBatch({
      topic: "accounts",
      records: [{ value: { amount: 1 } }, { value: { amount: 2 } }, { value: { amount: 3 } }],
    });
    await expect(log.materialize(accounts)).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    const keyOf: MaterializeOptions<Account>["keyOf"] = (record) => {
      const { amount } = record.json<{ amount: number }>();
      return amount === 2 ? null : "all";
    };
    const view = await log.materialize({ ...accounts, keyOf });
    expect(view.get("all")).toEqual({ balance: 4, entries: 2 });
  });

  test("stays as it was before a record that its fold throws at", async () => {
    await book(0, 20);
    let isBroken = true;
    const fold: MaterializeOptions<Account>["fold"] = (state, record) => {
      const { amount } = record.json<{ amount: number }>();
      if (isBroken && amount === 13) throw new Error("cannot fold 13");
      return balance(state, amount);
    };
    const store = new MemorySnapshotStore();
    const options = { ...accounts, fold, store, snapshotEvery: 1 };
    await expect(log.materialize(options)).rejects.toThrow("cannot fold 13");
    isBroken = false;
    const view = await log.materialize(options);
    expect(statesOf(view)).toEqual(expected(20));
  });
});

describe.each(["memory", "level"] as const)("a snapshot in %s", (kind) => {
  let directory: string;
  let store: SnapshotStore & Partial<AsyncDisposable>;
  let kept: MemorySnapshotStore | undefined;

  /** The store as the next process would find it. */
  async function reopen(): Promise<void> {
    if (kind === "memory") {
      kept ??= new MemorySnapshotStore();
      store = kept;
      return;
    }
    await store?.[Symbol.asyncDispose]?.();
    store = await openLevelSnapshotStore(directory);
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "stratalog-view-"));
    kept = undefined;
    await reopen();
  });

  afterEach(async () => {
    await store[Symbol.asyncDispose]?.();
    await rm(directory, { recursive: true, force: true });
  });

  test("saves the reading of what it has, and gives the same fold", async () => {
    await book(0, 150);
    const options = { ...accounts, store, snapshotEvery: 20 };
    await log.materialize(options);
    await book(150, 240);
    await reopen();
    const resumed = await log.materialize({ ...options, store });
    expect(resumed.foldedCount).toBe(90);
    expect(resumed.resumedKeys).toBe(expected(150).size);
    expect(statesOf(resumed)).toEqual(expected(240));
  });

  test("of a fold that was cut short is gone on from", async () => {
    await book(0, 240);
    const cut = new AbortController();
    let count = 0;
    const fold: MaterializeOptions<Account>["fold"] = (state, record) => {
      if (++count === 100) cut.abort();
      return accounts.fold(state, record);
    };
    const options = { ...accounts, store, snapshotEvery: 10, bufferBytes: 2_000 };
    await expect(log.materialize({ ...options, fold, signal: cut.signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
    await reopen();
    const resumed = await log.materialize({ ...options, store });
    expect(resumed.foldedCount).toBeLessThan(240);
    expect(statesOf(resumed)).toEqual(expected(240));
  });

  test("of another fold, or of another topic of the name, is not used", async () => {
    await book(0, 50);
    await log.materialize({ ...accounts, store });
    const anew = await log.materialize({ ...accounts, store, version: 2 });
    expect([anew.resumedKeys, anew.foldedCount]).toEqual([0, 50]);
    const other = await log.materialize({ ...accounts, store, version: 2, name: "other" });
    expect([other.resumedKeys, other.foldedCount]).toEqual([0, 50]);
    expect(statesOf(other)).toEqual(expected(50));
  });

  test("that retention has passed is refused, not folded on with a gap", async () => {
    await book(0, 50);
    await log.materialize({ ...accounts, store });
    await book(50, 100);
    for (const partition of [0, 1, 2]) {
      const place = cluster.partition("accounts", partition);
      place.start = place.end;
    }
    await expect(log.materialize({ ...accounts, store })).rejects.toMatchObject({
      code: "OFFSET_OUT_OF_RANGE",
    });
  });
});

describe("a directory of snapshots", () => {
  test("is one process's, and says so", async () => {
    const directory = await mkdtemp(join(tmpdir(), "stratalog-view-"));
    const store = await openLevelSnapshotStore(directory);
    await expect(openLevelSnapshotStore(directory)).rejects.toMatchObject({
      code: "DIRECTORY_IN_USE",
    });
    await expect(store.load("")).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
});
