import type { Mutant } from "../mutant.ts";

/** A bug: its story, its file below packages/, what stands there, what the bug makes of it. */
type Row = readonly [id: string, file: string, find: string, replace: string];

const STORE = "log-store/src";

/** One-line bugs of storage engines, planted in record-batch, log-store and partition. */
const ROWS: readonly Row[] = [
  [
    "a batch is acknowledged before it is synced",
    `${STORE}/io/wal-writer.ts`,
    "    await file.handle.dataSync();\n",
    "",
  ],
  [
    "a new WAL file's name is not made durable",
    `${STORE}/io/wal-files.ts`,
    "    await this.#fileSystem.syncDirectory(this.#directory);\n",
    "",
  ],
  [
    "segments are not synced before the checkpoint that trusts them",
    `${STORE}/io/segment-set.ts`,
    "      await segment.sync();\n",
    "",
  ],
  [
    "a segment's name is not made durable",
    `${STORE}/io/segment-set.ts`,
    "    await this.#context.fileSystem.syncDirectory(this.#context.directory);\n",
    "",
  ],
  [
    "checkpoints are not synced",
    `${STORE}/io/checkpointer.ts`,
    "    await this.#keyValue.write(changes, { sync: true });\n",
    "    await this.#keyValue.write(changes, { sync: false });\n",
  ],
  [
    "a drop that recovery finishes is not synced",
    `${STORE}/io/recovery.ts`,
    "    await settings.fileSystem.syncDirectory(`${settings.directory}/groups`);\n",
    "",
  ],
  [
    "what recovery read but nobody synced is not copied",
    `${STORE}/io/recovery.ts`,
    "    if (tail.length === 0) return [];\n",
    "    if (tail.length >= 0) return [];\n",
  ],
  [
    "the checksum of a recycled file's batches does not know its life",
    `${STORE}/core/wal-batch-header.ts`,
    "  return (life ^ Math.floor(life / 0x1_0000_0000)) >>> 0;\n",
    "  return life * 0;\n",
  ],
  [
    "a damaged batch that was synced is cut like a torn one",
    `${STORE}/core/wal-verdict.ts`,
    "    if (mustHold) {\n",
    "    if (mustHold && number === 0) {\n",
  ],
  [
    "a later batch does not prove the earlier ones",
    `${STORE}/core/wal-verdict.ts`,
    "header.isSeal ? header.batch : header.syncedThrough",
    "header.isSeal ? header.batch : 0",
  ],
  [
    "lost checkpoints go unnoticed after a clean stop",
    `${STORE}/core/wal-verdict.ts`,
    "header.batch - 1 > checkpoint.syncedThrough",
    "header.batch - 1 > header.batch",
  ],
  [
    "a broken entry is replayed",
    `${STORE}/core/group-replay.ts`,
    "    if (broken !== undefined) {\n",
    "    if (broken !== undefined && broken.batch < 0) {\n",
  ],
  [
    "a truncation leaves the entries of its own batch",
    `${STORE}/core/group-replay.ts`,
    "    while ((this.#runs.at(-1)?.fromIndex ?? -1) >= from) this.#runs.pop();\n",
    "",
  ],
  [
    "a truncation does not lower the cut",
    `${STORE}/core/group-replay.ts`,
    "      this.#cutOffset = nextOffset;\n    }\n  }\n\n  finish",
    "    }\n  }\n\n  finish",
  ],
  [
    "records that the checkpoint has are replayed again",
    `${STORE}/core/group-replay.ts`,
    "at.batch <= this.#checkpoint.batch",
    "at.batch < this.#checkpoint.batch",
  ],
  [
    "a snapshot's end keeps the old first index",
    `${STORE}/core/log-shape.ts`,
    "    this.#firstIndex = reset.index + 1;\n",
    "",
  ],
  [
    "a segment grows beyond its size",
    `${STORE}/core/roll-policy.ts`,
    'if (segment.sizeBytes + next.byteLength > sizeLimit) return "size";',
    'if (segment.sizeBytes > sizeLimit) return "size";',
  ],
  [
    "an index search begins behind what is looked for",
    `${STORE}/core/sparse-index.ts`,
    "this.entry(low - 1)",
    "this.entry(Math.min(low, this.#count - 1))",
  ],
  [
    "a full disk ends the process",
    `${STORE}/io/wal-writer.ts`,
    "        if (!isDiskFull(error) || !(await this.#files.waitForSpace())) throw error;\n",
    "        throw error;\n",
  ],
  [
    "the reserve of disk is not kept",
    `${STORE}/io/disk-reserve.ts`,
    "    this.#isReached = isReached;\n",
    "",
  ],
  [
    "a batch's checksum is not looked at",
    "record-batch/src/core/batch-validation.ts",
    "  if (crc !== header.crc) {\n",
    "  if (crc !== header.crc && crc === 0) {\n",
  ],
  [
    "a batch may claim offsets that it has no records for",
    "record-batch/src/core/batch-validation.ts",
    "header.lastOffsetDelta !== recordCount - 1",
    "header.lastOffsetDelta < recordCount - 1",
  ],
  [
    "producers may send control batches",
    "record-batch/src/core/batch-validation.ts",
    '  if (header.isControl && rules.controlBatches !== "accept") {\n',
    '  if (header.isControl && rules.controlBatches === "accept") {\n',
  ],
  [
    "retention counts from the record's time alone",
    "partition/src/core/retention.ts",
    "Math.max(segment.maxTimestampMs, segment.createdMs, next.createdMs)",
    "segment.maxTimestampMs",
  ],
  [
    "retention removes the segment that is written",
    "partition/src/core/retention.ts",
    "    if (next === undefined) break;\n    const bornMs = Math.max(segment.maxTimestampMs, segment.createdMs, next.createdMs);\n",
    "    const bornMs = Math.max(segment.maxTimestampMs, next?.createdMs ?? 0);\n",
  ],
  [
    "an import that took long is deleted too early",
    "partition/src/core/retention.ts",
    ", segment.createdMs, next.createdMs)",
    ", segment.createdMs)",
  ],
  [
    "retention believes a clock that jumps",
    "partition/src/core/retention-watch.ts",
    "    if (Math.abs(clockMovedMs) > SKEW_MS_MAX) {\n",
    "    if (Math.abs(clockMovedMs) > Number.MAX_VALUE) {\n",
  ],
  [
    "a clock that jumps forgets the producers",
    "partition/src/io/partition-replica.ts",
    "    return this.#steadyStartMs + this.#clock.monotonicMs();\n",
    "    return this.#clock.wallMs();\n",
  ],
  [
    "retention removes what is not committed",
    "partition/src/core/retention.ts",
    " || segment.nextOffset > now.highWatermark",
    "",
  ],
];

/** Planted bugs of the suite `storage`. */
export const PLANTED_IN_STORAGE: readonly Mutant[] = ROWS.map(([id, file, find, replace]) => {
  return { id, path: `packages/${file}`, find, replace };
});
