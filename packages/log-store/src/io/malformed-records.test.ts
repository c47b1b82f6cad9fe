// Records that are malformed under a right checksum are stored as they are: neither they nor a
// lookup by time that meets them may count as damage, or hide what comes after them.
import { crc32c } from "@stratalog/record-batch";
import { expect, test } from "vitest";
import type { Frame } from "../core/frame.ts";
import { createFrame } from "../core/frame-codec.ts";
import { dataFrame, nextPlace } from "../testing/frames.ts";
import { StoreFixture } from "../testing/store-fixture.ts";

test("a lookup by time that meets malformed records ends at their batch, and damages nothing", async () => {
  const fixture = await StoreFixture.open();
  const group = await fixture.group(1);
  const log = fixture.store.view(group);
  const append = (timesMs: readonly number[], isMalformed: boolean): Promise<void> => {
    const place = nextPlace(log, 1);
    const { payload } = dataFrame(place, new Uint8Array(10), timesMs);
    // A record that says it is longer than its batch.
    if (isMalformed) payload[61] = 0x7e;
    const view = new DataView(payload.buffer, payload.byteOffset);
    view.setUint32(17, crc32c(payload, 21, payload.length));
    const frame: Frame = createFrame({ kind: "data", ...place, span: timesMs.length, payload });
    return fixture.write([{ group, frames: [frame] }]);
  };
  await append([10, 11], false);
  await append([20, 21], true);
  await append([30, 31], false);
  expect(await log.findByTimestamp(11, 6)).toEqual({ offset: 1, timestampMs: 11 });
  expect(await log.findByTimestamp(20, 6)).toEqual({ offset: 2, timestampMs: 21 });
  expect(await log.findByTimestamp(31, 6)).toEqual({ offset: 5, timestampMs: 31 });
  const [found] = fixture.store.groups();
  expect(found?.state).toBe("ready");
});
