// The scheduler and its windows under every mixture of records, outcomes, pauses and revocations.
import { SeededRandom } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WorkScheduler } from "./work-scheduler.ts";
import { type Work, type WorkOrder, WorkWindow } from "./work-window.ts";

interface Item {
  readonly offset: number;
  readonly key: string | undefined;
}

interface Setting {
  readonly seed: number;
  readonly order: WorkOrder;
  readonly concurrency: number;
  readonly limit: number;
  readonly keys: number;
  readonly windows: number;
}

const settings: fc.Arbitrary<Setting> = fc.record({
  seed: fc.nat(),
  order: fc.constantFrom<WorkOrder>("partition", "key", "none"),
  concurrency: fc.integer({ min: 1, max: 8 }),
  limit: fc.integer({ min: 1, max: 20 }),
  keys: fc.integer({ min: 1, max: 6 }),
  windows: fc.integer({ min: 1, max: 4 }),
});

/** One partition as the test sees it: what was added, begun and done, in the order it happened. */
class Model {
  readonly window: WorkWindow<Item>;
  readonly scheduler: WorkScheduler<Item>;
  readonly setting: Setting;
  readonly added: Item[] = [];
  readonly begun: Item[] = [];
  readonly done = new Set<number>();
  next = 0;
  isClosed = false;

  constructor(scheduler: WorkScheduler<Item>, setting: Setting) {
    this.scheduler = scheduler;
    this.setting = setting;
    const { order, limit } = setting;
    this.window = new WorkWindow<Item>({ offset: 0, order, limit });
  }

  add(random: SeededRandom): void {
    if (this.isClosed || !this.window.hasRoom) return;
    if (random.below(10) === 0) {
      this.next += 1 + random.below(3);
      this.window.skipTo(this.next);
    }
    const isKeyed = random.below(5) > 0;
    const key = isKeyed ? `k${random.below(this.setting.keys)}` : undefined;
    const item = { offset: this.next, key };
    this.next++;
    this.added.push(item);
    this.scheduler.offer(this.window.add(item.offset, key, item));
  }

  /** What must be done before an item may begin. */
  before(item: Item): readonly Item[] {
    const { order } = this.setting;
    if (order === "none" || (order === "key" && item.key === undefined)) return [];
    return this.added.filter(
      (each) => each.offset < item.offset && (order === "partition" || each.key === item.key),
    );
  }

  /** The prefix ends after the last record before the oldest that is not done, or in its gap. */
  check(): void {
    const { doneTo } = this.window;
    const oldest = this.added.find((each) => !this.done.has(each.offset));
    if (oldest === undefined) must(doneTo === this.next, "all is done");
    else must(doneTo <= oldest.offset, `${doneTo} is beyond ${oldest.offset}, which is not done`);
    const end = oldest?.offset ?? this.next;
    const isLate = this.added.some(({ offset }) => offset >= doneTo && offset < end);
    must(!isLate, `${doneTo} is short of ${end}`);
    const span = this.added.filter(({ offset }) => offset >= doneTo).length;
    must(span <= this.setting.limit, `${span} are kept`);
  }
}

function must(holds: boolean, why: string): void {
  if (!holds) throw new Error(why);
}

function run(setting: Setting, onDone: (models: readonly Model[]) => void): void {
  const random = new SeededRandom(setting.seed);
  const scheduler = new WorkScheduler<Item>(setting.concurrency);
  const models = Array.from({ length: setting.windows }, () => new Model(scheduler, setting));
  const running: Work<Item>[] = [];
  const suspended: Work<Item>[] = [];
  const modelOf = (work: Work<Item>): Model => {
    const model = models.find((each) => each.window === work.window);
    if (model === undefined) throw new TypeError("a work of no window");
    return model;
  };
  const start = (): void => {
    for (let work = scheduler.next(); work !== undefined; work = scheduler.next()) {
      const model = modelOf(work);
      must(!model.window.isPaused, "nothing of a paused partition begins");
      const isEarly = model.before(work.item).some(({ offset }) => !model.done.has(offset));
      must(!isEarly, `${work.offset} began before one that it waits for was done`);
      running.push(work);
      model.begun.push(work.item);
      must(running.length <= setting.concurrency, `${running.length} run`);
    }
  };
  const end = (): void => {
    const [work] = running.splice(random.below(running.length), 1);
    if (work === undefined) return;
    if (random.below(4) === 0) {
      scheduler.suspend(work);
      suspended.push(work);
      return;
    }
    modelOf(work).done.add(work.offset);
    scheduler.finish(work);
  };
  for (let step = 0; step < 150; step++) {
    const model = models[random.below(models.length)] ?? new Model(scheduler, setting);
    const dice = random.below(100);
    if (dice < 45) model.add(random);
    else if (dice < 75 && running.length > 0) end();
    else if (dice < 85) {
      const [work] = suspended.splice(0, 1);
      if (work !== undefined) scheduler.resume(work);
    } else if (dice < 90) scheduler.pause(model.window);
    else if (dice < 97) scheduler.unpause(model.window);
    else if (random.below(4) === 0) {
      model.isClosed = true;
      model.window.close();
    }
    start();
    for (const each of models) if (!each.isClosed) each.check();
  }
  for (const each of models) scheduler.unpause(each.window);
  start();
  while (running.length + suspended.length > 0) {
    for (const work of suspended.splice(0)) scheduler.resume(work);
    start();
    if (running.length > 0) end();
    start();
  }
  onDone(models);
}

describe("the scheduler", () => {
  test("keeps each key in order, its bounds, and never counts a record as done that is not", () => {
    fc.assert(
      fc.property(settings, (setting) => {
        run(setting, (models) => {
          for (const { window, added, done, isClosed, next } of models) {
            expect(window.isIdle).toBe(true);
            if (!isClosed) expect(done.size).toBe(added.length);
            if (!isClosed) expect(window.doneTo).toBe(next);
          }
        });
      }),
      { numRuns: 150 },
    );
  });

  test("does all up to the last record it began when a partition goes, and nothing after it", () => {
    fc.assert(
      fc.property(settings, (setting) => {
        run(setting, (models) => {
          for (const { window, added, begun, done, isClosed } of models) {
            if (!isClosed) continue;
            const last = Math.max(-1, ...begun.map(({ offset }) => offset));
            const wanted = added.filter(({ offset }) => offset <= last).map(({ offset }) => offset);
            expect([...done].toSorted((a, b) => a - b)).toEqual(wanted);
            if (wanted.length > 0) expect(window.doneTo).toBeGreaterThan(last);
          }
        });
      }),
      { numRuns: 150 },
    );
  });

  test("runs different keys at once, and a partition at a time when told", () => {
    const atOnce = (order: WorkOrder): number => {
      const scheduler = new WorkScheduler<string>(8);
      const window = new WorkWindow<string>({ offset: 0, order, limit: 100 });
      for (const [offset, key] of ["a", "b", "a", "c"].entries()) {
        scheduler.offer(window.add(offset, key, key));
      }
      while (scheduler.next() !== undefined) expect(scheduler.running.size).toBeGreaterThan(0);
      return scheduler.running.size;
    };
    expect([atOnce("partition"), atOnce("key"), atOnce("none")]).toEqual([1, 3, 4]);
  });

  test("drops all that does not run when a partition is lost", () => {
    const scheduler = new WorkScheduler<string>(2);
    const window = new WorkWindow<string>({ offset: 10, order: "none", limit: 100 });
    for (const offset of [10, 11, 12, 13]) scheduler.offer(window.add(offset, undefined, ""));
    const first = scheduler.next();
    const second = scheduler.next();
    if (first === undefined || second === undefined) throw new TypeError("two may run");
    window.abandon();
    scheduler.finish(second);
    expect([window.isIdle, window.doneTo, scheduler.next()]).toEqual([false, 10, undefined]);
    scheduler.discard(first);
    expect([window.isIdle, window.doneTo, scheduler.running.size]).toEqual([true, 10, 0]);
  });
});
