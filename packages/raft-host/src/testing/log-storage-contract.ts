import { assert, type GroupNumber, groupNumber } from "@stratalog/base";
import { encodeConfChange } from "../core/conf-change-codec.ts";
import type { Frame, FrameCodec, FrameKind } from "../ports/frame.ts";
import type { GroupWrite, LogStorage, LogView } from "../ports/log-storage.ts";
import type { ContractCase } from "./contract-case.ts";

/** Where the records of a data frame stand. */
export interface DataPlace {
  readonly term: number;
  readonly baseOffset: number;
  readonly span: number;
}

/** A log storage under test, on a disk of its own. */
export interface LogStorageRig {
  /** The storage of this life. */
  readonly storage: LogStorage;
  readonly codec: FrameCodec;
  /** A payload of a data frame as the storage wants it. */
  dataPayload(place: DataPlace): Uint8Array;
  /** Makes an empty log; durable when it resolves. */
  createGroup(group: GroupNumber): Promise<void>;
  /** Lets time pass until the condition holds; throws when it does not within a few seconds. */
  until(condition: () => boolean): Promise<void>;
  /** Kills the process and opens what it leaves. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const GROUP = groupNumber(7);
const OTHER = groupNumber(8);
const ALL = 1 << 20;

/** The rig with what scenarios do again and again. */
class Scene {
  readonly rig: LogStorageRig;
  durableCount = 0;
  #writeCount = 0;

  constructor(rig: LogStorageRig) {
    this.rig = rig;
  }

  view(group = GROUP): LogView {
    return this.rig.storage.view(group);
  }

  /** Frames for the end of a log, one per kind, each of data with two records. */
  next(kinds: readonly FrameKind[], term: number, group = GROUP): readonly Frame[] {
    const { lastIndex, nextOffset } = this.view(group);
    return this.after({ index: lastIndex, offset: nextOffset }, kinds, term);
  }

  /** The same from another place on. */
  after(
    place: { readonly index: number; readonly offset: number },
    kinds: readonly FrameKind[],
    term: number,
  ): readonly Frame[] {
    let { index, offset: baseOffset } = place;
    return kinds.map((kind) => {
      const span = kind === "data" ? 2 : 0;
      index++;
      const payload = this.#payload(kind, { term, baseOffset, span, index });
      const frame = this.rig.codec.create({ kind, term, index, baseOffset, span, payload });
      baseOffset += span;
      return frame;
    });
  }

  /** Hands writes over without waiting. */
  write(...writes: readonly GroupWrite[]): void {
    this.#writeCount++;
    this.rig.storage.write(writes, () => {
      this.durableCount++;
    });
  }

  async durable(): Promise<void> {
    await this.rig.until(() => this.durableCount === this.#writeCount);
  }

  async append(kinds: readonly FrameKind[], term: number, group = GROUP): Promise<void> {
    this.write({ group, frames: this.next(kinds, term, group) });
    await this.durable();
  }

  #payload(kind: FrameKind, place: DataPlace & { readonly index: number }): Uint8Array {
    if (kind === "data") return this.rig.dataPayload(place);
    if (kind === "noop") return new Uint8Array(0);
    if (kind === "command") return new Uint8Array(10).fill(place.index);
    const changes = [{ kind: "add-learner", replica: 9 }] as const;
    return encodeConfChange({ transition: "auto", changes });
  }
}

function sameFrames(found: readonly Frame[] | string, wanted: readonly Frame[]): void {
  assert(typeof found !== "string", "frames are gone or must be fetched");
  const brief = (frames: readonly Frame[]): string =>
    JSON.stringify(
      frames.map(({ kind, term, index, baseOffset, span, payload }) => {
        return [kind, term, index, baseOffset, span, [...payload]];
      }),
    );
  assert(brief(found) === brief(wanted), `frames ${brief(found)}, not ${brief(wanted)}`);
}

async function fetchAll(view: LogView, from: number): Promise<readonly Frame[]> {
  const all: Frame[] = [];
  for (let index = from; index <= view.lastIndex; ) {
    const frames = await view.fetchFrames(index, view.lastIndex + 1, ALL);
    assert(frames !== "compacted" && frames.length > 0, `nothing fetched at ${index}`);
    all.push(...frames);
    index += frames.length;
  }
  return all;
}

type Scenario = (scene: Scene) => Promise<void>;

/** What every LogStorage promises. `create` makes a rig with an empty disk. */
export function logStorageContract(create: () => Promise<LogStorageRig>): readonly ContractCase[] {
  const scenario = (name: string, body: Scenario): ContractCase => ({
    name,
    async run() {
      const rig = await create();
      try {
        for (const group of [GROUP, OTHER]) await rig.createGroup(group);
        await body(new Scene(rig));
      } finally {
        await rig.close();
      }
    },
  });
  return [
    scenario("an empty log begins at index 1 and offset 0, in term 0", emptyLog),
    scenario("a write is visible when it returns, and durable later", visibleAtOnce),
    scenario("writes become durable in the order in which they were made", inOrder),
    scenario("one write changes many groups, and no others", manyGroups),
    scenario("only records take offsets", offsets),
    scenario("terms are known from before the first to the last index", terms),
    scenario("frames are given whole, at least one, then within the bytes asked for", byBytes),
    scenario("what is in memory and what is on disk are the same", memoryAndDisk),
    scenario("a truncation and what replaces it are one write", truncation),
    scenario("a reset leaves nothing of the log, and what follows it is one write", reset),
    scenario("a restart finds frames, terms and the hard state", restart),
    scenario("a restart finds truncations and resets", restartAfterCuts),
  ];
}

const emptyLog: Scenario = (scene) => {
  const { firstIndex, lastIndex, nextOffset, hardState } = scene.view();
  assert(firstIndex === 1 && lastIndex === 0, `log from ${firstIndex} to ${lastIndex}`);
  assert(nextOffset === 0, `next offset ${nextOffset}`);
  const { term, vote, commit } = hardState;
  assert(term === 0 && vote === 0 && commit === 0, "a new replica remembers nothing");
  assert(scene.view().term(0) === 0, "the term before the first index is 0");
  return Promise.resolve();
};

const visibleAtOnce: Scenario = async (scene) => {
  const frames = scene.next(["noop", "command"], 3);
  scene.write({ group: GROUP, frames, hardState: { term: 3, vote: 5, commit: 1 } });
  assert(scene.durableCount === 0, "a write is not durable before it returns");
  const { lastIndex, hardState } = scene.view();
  assert(lastIndex === 2 && hardState.vote === 5, `last index ${lastIndex}`);
  sameFrames(scene.view().frames(1, 3, ALL), frames);
  await scene.durable();
};

const inOrder: Scenario = async (scene) => {
  const order: number[] = [];
  for (let number = 0; number < 20; number++) {
    const group = number % 3 === 0 ? OTHER : GROUP;
    const frames = scene.next(["command"], 1, group);
    scene.rig.storage.write([{ group, frames }], () => order.push(number));
  }
  await scene.rig.until(() => order.length === 20);
  assert(
    order.every((number, index) => number === index),
    `completions came as ${order.join(", ")}`,
  );
};

const manyGroups: Scenario = async (scene) => {
  await scene.append(["noop"], 1, OTHER);
  const third = groupNumber(9);
  await scene.rig.createGroup(third);
  scene.write(
    { group: GROUP, frames: scene.next(["noop", "data"], 2) },
    { group: third, frames: [], hardState: { term: 4, vote: 1, commit: 0 } },
  );
  await scene.durable();
  assert(scene.view(GROUP).lastIndex === 2, "the first group has its frames");
  assert(scene.view(third).hardState.term === 4, "the second group has its term");
  assert(scene.view(OTHER).lastIndex === 1, "a group that was not named is as it was");
};

const offsets: Scenario = async (scene) => {
  await scene.append(["noop", "data", "command", "data", "config"], 1);
  const view = scene.view();
  assert(view.nextOffset === 4, `two batches of two records end at offset ${view.nextOffset}`);
  const { configIndexes } = view;
  if (configIndexes !== undefined) {
    assert(configIndexes.join() === "5", `configurations at ${configIndexes.join()}`);
  }
};

const terms: Scenario = async (scene) => {
  await scene.append(["noop", "command"], 2);
  await scene.append(["noop"], 5);
  const view = scene.view();
  const found = [0, 1, 2, 3].map((index) => view.term(index));
  assert(found.join() === "0,2,2,5", `terms ${found.join()}`);
  assert(view.term(4) === "unavailable", "a term above the last index is not known");
};

const byBytes: Scenario = async (scene) => {
  const frames = scene.next(["command", "command", "command", "command"], 1);
  scene.write({ group: GROUP, frames });
  await scene.durable();
  const view = scene.view();
  const [one, two] = [frames[0]?.byteLength ?? 0, 2 * (frames[0]?.byteLength ?? 0)];
  sameFrames(view.frames(1, 5, 1), frames.slice(0, 1));
  sameFrames(view.frames(2, 5, two), frames.slice(1, 3));
  sameFrames(view.frames(2, 5, two + one - 1), frames.slice(1, 3));
  sameFrames(view.frames(1, 3, ALL), frames.slice(0, 2));
  sameFrames(await view.fetchFrames(1, 5, 1), frames.slice(0, 1));
};

const memoryAndDisk: Scenario = async (scene) => {
  const frames = scene.next(["noop", "data", "command", "data", "data"], 3);
  scene.write({ group: GROUP, frames });
  await scene.durable();
  sameFrames(scene.view().frames(1, 6, ALL), frames);
  sameFrames(await fetchAll(scene.view(), 1), frames);
  sameFrames(await fetchAll(scene.view(), 4), frames.slice(3));
};

const truncation: Scenario = async (scene) => {
  await scene.append(["noop", "data", "data", "data"], 1);
  const kept = scene.view().frames(1, 3, ALL);
  const frames = scene.after({ index: 2, offset: 2 }, ["noop", "data"], 4);
  const hardState = { term: 4, vote: 2, commit: 2 };
  scene.write({ group: GROUP, truncateFrom: 3, frames, hardState });
  const check = async (): Promise<void> => {
    const view = scene.view();
    assert(view.lastIndex === 4 && view.nextOffset === 4, `ends at ${view.nextOffset}`);
    assert(view.term(2) === 1 && view.term(3) === 4, "terms are those of what replaced");
    assert(typeof kept !== "string", "the first frames are in memory");
    sameFrames(await fetchAll(view, 1), [...kept, ...frames]);
  };
  await check();
  await scene.durable();
  await check();
};

const reset: Scenario = async (scene) => {
  await scene.append(["noop", "data", "data"], 1);
  const frames = scene.after({ index: 50, offset: 700 }, ["noop", "data"], 6);
  const hardState = { term: 6, vote: 0, commit: 50 };
  scene.write({
    group: GROUP,
    reset: { index: 50, term: 5, nextOffset: 700 },
    frames,
    hardState,
  });
  await scene.durable();
  const view = scene.view();
  assert(view.firstIndex === 51 && view.lastIndex === 52, `log from ${view.firstIndex}`);
  assert(view.nextOffset === 702, `next offset ${view.nextOffset}`);
  assert(view.term(50) === 5 && view.term(51) === 6, "the snapshot's term is known");
  assert(view.term(49) === "compacted", "a term below the snapshot is gone");
  assert(view.frames(2, 4, ALL) === "compacted", "frames below the snapshot are gone");
  assert((await view.fetchFrames(2, 4, ALL)) === "compacted", "also on disk");
  sameFrames(await fetchAll(view, 51), frames);
};

const restart: Scenario = async (scene) => {
  const frames = [...scene.next(["noop", "data", "config", "data"], 2)];
  scene.write({ group: GROUP, frames, hardState: { term: 2, vote: 3, commit: 1 } });
  scene.write({ group: GROUP, frames: [], hardState: { term: 7, vote: 1, commit: 4 } });
  await scene.durable();
  await scene.rig.restart();
  const view = scene.view();
  const { term, vote } = view.hardState;
  assert(term === 7 && vote === 1, `remembers term ${term} and a vote for ${vote}`);
  assert(view.hardState.commit <= 4, "the commit hint is never ahead of what was stored");
  assert(view.firstIndex === 1 && view.lastIndex === 4, `ends at index ${view.lastIndex}`);
  assert(view.nextOffset === 4, `next offset ${view.nextOffset}`);
  assert(view.term(4) === 2, "terms are known at once");
  sameFrames(await fetchAll(view, 1), frames);
  await scene.append(["command"], 7);
  assert(scene.view().term(5) === 7, "the log goes on");
};

const restartAfterCuts: Scenario = async (scene) => {
  await scene.append(["noop", "data", "data"], 1);
  const frames = scene.after({ index: 1, offset: 0 }, ["noop"], 2);
  const hardState = { term: 2, vote: 0, commit: 1 };
  scene.write({ group: GROUP, truncateFrom: 2, frames, hardState });
  await scene.append(["noop"], 1, OTHER);
  scene.write({ group: OTHER, reset: { index: 9, term: 3, nextOffset: 20 }, frames: [] });
  await scene.durable();
  await scene.rig.restart();
  const [cut, replaced] = [scene.view(GROUP), scene.view(OTHER)];
  assert(cut.lastIndex === 2 && cut.term(2) === 2, `ends at index ${cut.lastIndex}`);
  assert(cut.nextOffset === 0, `the records are gone, not at offset ${cut.nextOffset}`);
  assert(replaced.firstIndex === 10 && replaced.lastIndex === 9, "nothing before the reset");
  assert(replaced.nextOffset === 20 && replaced.term(9) === 3, "its place is remembered");
};
