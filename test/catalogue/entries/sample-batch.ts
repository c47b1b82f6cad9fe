import { encodeUtf8 } from "@stratalog/base";
import { BatchBuilder, crc32c, type ProducerFields } from "@stratalog/record-batch";

const CRC_POSITION = 17;
const CHECKED_POSITION = 21;

/** A batch that is as it should be. */
export function goodBatch(producer: ProducerFields = {}, valueBytes = 20): Uint8Array {
  const builder = new BatchBuilder(producer);
  for (let index = 0; index < 3; index++) {
    const value = encodeUtf8("v".repeat(valueBytes));
    builder.append({ key: encodeUtf8("k"), value, timestampMs: 1_700_000_000_000 + index });
  }
  return builder.build();
}

/** A batch with some of its bytes changed and the checksum made right again. */
export function sealed(change: (bytes: DataView) => void, batch = goodBatch()): Uint8Array {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  change(view);
  view.setUint32(CRC_POSITION, crc32c(batch, CHECKED_POSITION, batch.length));
  return batch;
}
