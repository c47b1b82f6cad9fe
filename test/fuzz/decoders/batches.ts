import { encodeUtf8, type Random } from "@stratalog/base";
import {
  BatchBuilder,
  type BatchBuilderOptions,
  compressBatch,
  crc32c,
  loadCodec,
  openBatch,
  readBatchHeader,
  validateBatch,
} from "@stratalog/record-batch";
import { joined, mutated, oneOf, putUint32, spliced } from "../mutation.ts";
import { type FuzzTarget, must } from "../target.ts";

const MAX_BYTES = 1024 * 1024;
const LENGTH_POSITION = 8;
const EPOCH_POSITION = 12;
const MAGIC_POSITION = 16;
const CRC_POSITION = 17;
const ATTRIBUTES_POSITION = 21;
const RECORD_COUNT_POSITION = 57;
const FAILURES: ReadonlySet<string> = new Set([
  "CORRUPT_BATCH",
  "MESSAGE_TOO_LARGE",
  "UNSUPPORTED_COMPRESSION",
  "INVALID_REQUEST",
]);

/** Record batches as a producer sends them: validation, then reading as a consumer does. */
export async function batchTarget(): Promise<FuzzTarget> {
  await loadCodec("zstd");
  const samples = await sampleBatches();
  return {
    name: "record batches",
    casesPerRound: 20_000,
    run(random) {
      const sample = oneOf(samples, random);
      const isSplice = random.below(8) === 0;
      const bytes = isSplice
        ? spliced(sample, oneOf(samples, random), random)
        : mutated(sample, random);
      const isRepaired = random.below(3) > 0 && repair(bytes, random);
      judge(bytes, { isRepaired, isSample: isOneOf(samples, bytes) });
    },
  };
}

/** Length and checksum as they should be, so that what lies behind them is reached. */
function repair(bytes: Uint8Array, random: Random): boolean {
  if (bytes.length < 61) return false;
  bytes[MAGIC_POSITION] = 2;
  putUint32(bytes, LENGTH_POSITION, bytes.length - 12);
  // Often the counts too: they are compared with each other.
  if (random.below(2) === 0) {
    const count = oneOf([1, 2, 3, 1_000, 0x7fff_ffff], random);
    putUint32(bytes, RECORD_COUNT_POSITION, count);
    putUint32(bytes, 23, count - 1);
  }
  putUint32(bytes, CRC_POSITION, crc32c(bytes, ATTRIBUTES_POSITION, bytes.length));
  return true;
}

function judge(
  bytes: Uint8Array,
  input: { readonly isRepaired: boolean; readonly isSample: boolean },
): void {
  const verdict = validateBatch(bytes, { maxBytes: MAX_BYTES });
  if (verdict.ok) {
    must(input.isRepaired || input.isSample, "a batch with a wrong checksum is accepted");
    const { header } = verdict;
    must(header.lastOffsetDelta === header.recordCount - 1, "counts differ");
    must(header.totalBytes === bytes.length, "the length differs");
    must(!header.isControl, "a control batch is accepted from a producer");
  } else {
    must(FAILURES.has(verdict.code), `a refusal with code ${verdict.code}`);
  }
  readAll(bytes, verdict.ok);
}

function readAll(bytes: Uint8Array, isValid: boolean): void {
  const opened = openBatch(bytes, { maxDecompressedBytes: MAX_BYTES });
  if (!opened.ok) {
    must(FAILURES.has(opened.code), `opening fails with code ${opened.code}`);
    return;
  }
  const { cursor } = opened;
  must(cursor.bytes.length <= Math.max(MAX_BYTES, bytes.length), "decompressed above the bound");
  let count = 0;
  while (cursor.next()) {
    count++;
    const view = cursor.view();
    must((view.key?.length ?? -1) === Math.max(-1, cursor.keyLength), "a key beyond its batch");
    must((view.value?.length ?? -1) === Math.max(-1, cursor.valueLength), "a value beyond it");
    must(view.headers.length === cursor.headerCount, "headers are missing");
    must(count <= cursor.bytes.length, "more records than bytes");
  }
  if (!isValid || cursor.isCorrupt) return;
  must(count === readBatchHeader(bytes, 0).recordCount, "records are missing without a word");
}

/** Base offset and leader epoch are the broker's to write: no checksum covers them. */
function isOneOf(samples: readonly Uint8Array[], bytes: Uint8Array): boolean {
  const covered = (batch: Uint8Array): Uint8Array =>
    joined([batch.subarray(LENGTH_POSITION, EPOCH_POSITION), batch.subarray(MAGIC_POSITION)]);
  return samples.some((sample) => Buffer.compare(covered(sample), covered(bytes)) === 0);
}

async function sampleBatches(): Promise<readonly Uint8Array[]> {
  const samples: Uint8Array[] = [];
  for (const { producer, records } of sampleContents()) {
    const builder = new BatchBuilder(producer);
    for (let index = 0; index < records; index++) {
      builder.append({
        key: index % 3 === 0 ? null : encodeUtf8(`key-${index}`),
        value: index % 7 === 0 ? null : encodeUtf8(`value ${index} `.repeat(4)),
        headers: index % 2 === 0 ? [] : [{ key: "trace", value: encodeUtf8(`${index}`) }],
        timestampMs: 1_700_000_000_000 + index,
      });
    }
    const plain = builder.build();
    samples.push(plain, await compressBatch(plain, "gzip"), await compressBatch(plain, "zstd"));
  }
  return samples;
}

function sampleContents(): readonly { producer: BatchBuilderOptions; records: number }[] {
  const producer = { producerId: 7, producerEpoch: 1, baseSequence: 40 };
  return [
    { producer: {}, records: 1 },
    { producer, records: 3 },
    { producer, records: 60 },
  ];
}
