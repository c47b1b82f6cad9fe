import { crc32c } from "@stratalog/record-batch";
import { ByteCursor, FormatError, uint32At } from "./byte-cursor.ts";
import { unmaskedCrc } from "./level-log.ts";
import { decompressSnappy } from "./snappy.ts";

// A table: blocks of data, each followed by its compression (1) and a masked CRC-32C (4), an index
// of them, and a footer of 48 bytes with the places of the index and of an index of other blocks.
const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
const COMPRESSION = { none: 0, snappy: 1 } as const;

interface BlockPlace {
  readonly position: number;
  readonly sizeBytes: number;
}

/** The first place of a table that is not as it was written, or undefined. */
export function flawOfTable(
  bytes: Uint8Array,
): { readonly position: number; readonly reason: string } | undefined {
  const footerPosition = Math.max(0, bytes.length - FOOTER_BYTES);
  let position = footerPosition;
  try {
    const footer = new ByteCursor(bytes.subarray(footerPosition));
    const others = blockPlace(footer);
    const index = blockPlace(footer);
    footer.position = FOOTER_BYTES - MAGIC.length;
    if (MAGIC.some((byte) => byte !== footer.byte())) throw new FormatError("no table ends here");
    for (const list of [index, others]) {
      position = list.position;
      const block = readBlock(bytes, list);
      for (const place of placesIn(block)) {
        position = place.position;
        readBlock(bytes, place);
      }
    }
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return { position, reason: error.message };
    throw error;
  }
}

function blockPlace(cursor: ByteCursor): BlockPlace {
  return { position: cursor.varint(), sizeBytes: cursor.varint() };
}

function readBlock(bytes: Uint8Array, place: BlockPlace): Uint8Array {
  const { position, sizeBytes } = place;
  const end = position + sizeBytes;
  if (end + TRAILER_BYTES > bytes.length) throw new FormatError("a block reaches beyond the file");
  const stored = unmaskedCrc(uint32At(bytes, end + 1));
  if (crc32c(bytes, position, end + 1) !== stored) {
    throw new FormatError("a block fails its checksum");
  }
  const block = bytes.subarray(position, end);
  const compression = bytes[end];
  if (compression === COMPRESSION.none) return block;
  if (compression === COMPRESSION.snappy) return decompressSnappy(block);
  throw new FormatError(`a block has the unknown compression ${compression}`);
}

/** The places that the entries of an index block name. */
function placesIn(block: Uint8Array): readonly BlockPlace[] {
  if (block.length < 4) throw new FormatError("an index has no end");
  const restarts = uint32At(block, block.length - 4);
  const end = block.length - 4 * (restarts + 1);
  const places: BlockPlace[] = [];
  const cursor = new ByteCursor(block);
  while (cursor.position < end) {
    cursor.varint();
    const keyBytes = cursor.varint();
    const valueBytes = cursor.varint();
    cursor.take(keyBytes);
    places.push(blockPlace(new ByteCursor(cursor.take(valueBytes))));
  }
  return places;
}
