// The shapes that raft-host asks for, written down once more: this package must not depend on that
// one. A difference fails the type check; the test sees that the shapes are those of values that
// work.
import type { GroupNumber } from "@stratalog/base";
import { expect, test } from "vitest";
import { frameCodec } from "../core/frame-codec.ts";
import { nextPlace, plainFrame } from "../testing/frames.ts";
import { StoreFixture } from "../testing/store-fixture.ts";

interface PortFrame {
  readonly kind: "data" | "noop" | "config" | "command";
  readonly term: number;
  readonly index: number;
  readonly baseOffset: number;
  readonly span: number;
  readonly payload: Uint8Array;
  readonly byteLength: number;
}

interface PortHardState {
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
}

interface PortGroupWrite {
  readonly group: GroupNumber;
  readonly reset?: { readonly index: number; readonly term: number; readonly nextOffset: number };
  readonly truncateFrom?: number;
  readonly frames: readonly PortFrame[];
  readonly hardState?: PortHardState;
}

interface PortLogView {
  readonly hardState: PortHardState;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly nextOffset: number;
  term(index: number): number | "compacted" | "unavailable";
  frames(
    from: number,
    to: number,
    maxBytes: number,
  ): readonly PortFrame[] | "compacted" | "pending";
  fetchFrames(
    from: number,
    to: number,
    maxBytes: number,
  ): Promise<readonly PortFrame[] | "compacted">;
}

interface PortLogStorage {
  write(writes: readonly PortGroupWrite[], onDurable: () => void): void;
  view(group: GroupNumber): PortLogView;
}

interface PortFrameCodec {
  create(fields: Omit<PortFrame, "byteLength">): PortFrame;
  encode(group: number, frame: PortFrame): readonly [header: Uint8Array, payload: Uint8Array];
  decode(
    group: number,
    bytes: Uint8Array,
    position: number,
  ):
    | { readonly ok: true; readonly frame: PortFrame; readonly endPosition: number }
    | {
        readonly ok: false;
        readonly reason: "truncated" | "bad-magic" | "bad-checksum" | "bad-length";
      };
}

test("the store and the codec fit the ports of whoever runs Raft groups", async () => {
  const fixture = await StoreFixture.open();
  const group = await fixture.group(1);
  const storage: PortLogStorage = fixture.store;
  const codec: PortFrameCodec = frameCodec;
  const view = storage.view(group);
  const [header, payload] = codec.encode(group, plainFrame(nextPlace(view, 2), "command"));
  const bytes = Uint8Array.from([...header, ...payload]);
  const decoded = codec.decode(group, bytes, 0);
  if (!decoded.ok) throw new Error(decoded.reason);
  const hardState = { term: 2, vote: 1, commit: 1 };
  await new Promise<void>((resolve) => {
    storage.write([{ group, frames: [decoded.frame], hardState }], resolve);
  });
  expect(view.frames(1, 2, 100)).toEqual([decoded.frame]);
  expect(view.term(1)).toBe(2);
  expect(view.hardState).toEqual(hardState);
});
