import { groupNumber, type Random } from "@stratalog/base";
import { BatchBuilder, patchBaseOffset, patchLeaderEpoch } from "@stratalog/record-batch";
import type { Frame, FrameKind } from "../core/frame.ts";
import { createFrame } from "../core/frame-codec.ts";
import type { GroupLog } from "../io/group-log.ts";
import type { GroupWrite, LogStore } from "../io/log-store.ts";
import type { LogModel } from "./log-model.ts";

const STEADY_GROUPS = [1, 2, 3];
const PASSING_GROUP = 4;

/** A group's plan while a write is put together. */
interface Draft {
  index: number;
  offset: number;
  term: number;
}

/** A record batch or other frame of a random size that fits behind a draft. */
function randomFrame(random: Random, draft: Draft): Frame {
  const kinds: readonly FrameKind[] = ["data", "data", "data", "noop", "command", "config"];
  const kind = kinds[random.below(kinds.length)] ?? "data";
  const base = { kind, term: draft.term, index: draft.index, baseOffset: draft.offset } as const;
  const bytes = random.bytes(8 + random.below(300));
  if (kind !== "data") {
    return createFrame({ ...base, span: 0, payload: kind === "noop" ? bytes.slice(0, 0) : bytes });
  }
  const builder = new BatchBuilder();
  const recordCount = 1 + random.below(3);
  for (let record = 0; record < recordCount; record++) {
    const timestampMs = 1_000_000 + draft.index * 10 + random.below(30);
    builder.append({ key: null, value: bytes, timestampMs });
  }
  const payload = builder.build();
  patchBaseOffset(payload, 0, draft.offset);
  patchLeaderEpoch(payload, 0, draft.term);
  return createFrame({ ...base, span: recordCount, payload });
}

/**
 * A seeded workload over several groups in which everything occurs: appends, votes, truncations
 * across segments, resets, rolls, WAL recycles, prefix deletes, groups that come and go. The model
 * is told of every write.
 */
export class CrashWorkload {
  readonly #store: LogStore;
  readonly #model: LogModel;
  readonly #random: Random;
  readonly #advance: (durationMs: number) => Promise<void>;
  #epoch = 1;
  #isPassingThere = false;
  readonly #counts: Record<string, number> = {};

  constructor(parts: {
    readonly store: LogStore;
    readonly model: LogModel;
    readonly random: Random;
    readonly advance: (durationMs: number) => Promise<void>;
  }) {
    this.#store = parts.store;
    this.#model = parts.model;
    this.#random = parts.random;
    this.#advance = parts.advance;
  }

  /** How often each kind of thing was done. */
  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  async setUp(): Promise<void> {
    for (const group of STEADY_GROUPS) await this.#create(group, 1);
  }

  /** Does one random thing. */
  async step(): Promise<void> {
    const choice = this.#random.below(100);
    if (choice < 78) await this.#write();
    else if (choice < 88) this.#dropPrefix();
    else if (choice < 92) await this.#checkpoint();
    else if (choice < 97) await this.#advance(100 + this.#random.below(300));
    else await this.#createOrDrop();
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  async #create(group: number, replicaEpoch: number): Promise<void> {
    const number = groupNumber(group);
    await this.#store.createGroup({ group: number, kind: "partition", replicaEpoch });
    this.#model.created(group);
  }

  async #createOrDrop(): Promise<void> {
    this.#count("create or drop");
    if (this.#isPassingThere) {
      this.#isPassingThere = false;
      this.#model.dropping(PASSING_GROUP);
      await this.#store.dropGroup(groupNumber(PASSING_GROUP));
    } else {
      await this.#create(PASSING_GROUP, ++this.#epoch);
      this.#isPassingThere = true;
    }
  }

  async #checkpoint(): Promise<void> {
    this.#count("checkpoint");
    await this.#store.checkpoint();
  }

  async #write(): Promise<void> {
    const groups = this.#isPassingThere ? [...STEADY_GROUPS, PASSING_GROUP] : STEADY_GROUPS;
    const chosen = groups.filter(() => this.#random.below(2) === 0);
    const writes = chosen.map((group) => this.#groupWrite(group));
    const number = this.#model.write(writes);
    const durable = new Promise<void>((resolve) => {
      this.#store.write(writes, () => {
        this.#model.durable(number);
        resolve();
      });
    });
    // Now and then the next write comes while this one is under way.
    if (this.#random.below(4) > 0) await durable;
  }

  #groupWrite(group: number): GroupWrite {
    const log = this.#store.view(groupNumber(group));
    const { term, commit } = log.hardState;
    const draft: Draft = { index: log.lastIndex + 1, offset: log.nextOffset, term };
    const choice = this.#random.below(100);
    let change: Pick<GroupWrite, "reset" | "truncateFrom"> = {};
    if (choice < 3) change = this.#reset(draft);
    else if (choice < 20 && commit < log.lastIndex) change = this.#truncate(log, draft);
    else if (choice < 25) draft.term++;
    if (draft.term === 0) draft.term = 1;
    const frames: Frame[] = [];
    const isNeeded = change.truncateFrom !== undefined;
    const frameCount = Math.max(isNeeded ? 1 : 0, this.#random.below(4));
    for (let made = 0; made < frameCount; made++) {
      const frame = randomFrame(this.#random, draft);
      frames.push(frame);
      draft.index++;
      draft.offset += frame.span;
    }
    const lowest = Math.max(commit, change.reset?.index ?? 0);
    const step = this.#random.below(Math.max(1, draft.index - lowest));
    const isFar = this.#random.below(3) === 0;
    const hardState = {
      term: draft.term,
      vote: this.#random.below(4),
      commit: isFar ? lowest + step : lowest,
    };
    return { group: groupNumber(group), ...change, frames, hardState };
  }

  #reset(draft: Draft): Pick<GroupWrite, "reset"> {
    this.#count("reset");
    draft.term++;
    const index = draft.index + this.#random.below(10);
    const nextOffset = draft.offset + this.#random.below(20);
    draft.index = index + 1;
    draft.offset = nextOffset;
    return { reset: { index, term: draft.term, nextOffset } };
  }

  #truncate(log: GroupLog, draft: Draft): Pick<GroupWrite, "truncateFrom"> {
    const { commit } = log.hardState;
    const truncateFrom = commit + 1 + this.#random.below(log.lastIndex - commit);
    const removed = log.frames(truncateFrom, truncateFrom + 1, 1);
    // Only the memory knows the offset here; what it does not hold is left alone.
    if (typeof removed === "string" || removed[0] === undefined) return {};
    this.#count("truncate");
    const segments = log.segments();
    const newest = segments.at(-1);
    if (newest !== undefined && truncateFrom < newest.baseIndex) this.#count("deep truncate");
    draft.index = truncateFrom;
    draft.offset = removed[0].baseOffset;
    draft.term++;
    return { truncateFrom };
  }

  #dropPrefix(): void {
    const group = STEADY_GROUPS[this.#random.below(STEADY_GROUPS.length)] ?? 1;
    const log = this.#store.view(groupNumber(group));
    const { commit } = log.hardState;
    if (commit < log.firstIndex) return;
    this.#count("drop prefix");
    const index = log.firstIndex + this.#random.below(commit - log.firstIndex + 1);
    this.#model.droppable(group, index);
    const before = log.firstIndex;
    log.dropPrefix(index);
    if (log.firstIndex > before) this.#count("segments dropped");
  }
}
