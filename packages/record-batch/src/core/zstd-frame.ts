// The header of a zstd frame (RFC 8878, 3.1.1.1): read before decompressing, because a decoder that
// trusts the content size of a hostile frame allocates what the frame says.

/**
 * What a frame's header says: its content size in bytes, or that it says none, or that it is no
 * frame.
 */
export type ZstdContentSize =
  | { readonly kind: "known"; readonly bytes: number }
  | { readonly kind: "unknown" }
  | { readonly kind: "invalid" };

const FRAME_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const SINGLE_SEGMENT_BIT = 0x20;

/** Reads the content size of the first frame in `bytes`. */
export function zstdContentSize(bytes: Uint8Array): ZstdContentSize {
  const descriptor = bytes[4];
  if (descriptor === undefined || FRAME_MAGIC.some((byte, index) => bytes[index] !== byte)) {
    return { kind: "invalid" };
  }
  const isSingleSegment = (descriptor & SINGLE_SEGMENT_BIT) !== 0;
  const dictionaryBytes = DICTIONARY_ID_BYTES[descriptor & 3] ?? 0;
  const position = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const sizeFlag = descriptor >>> 6;
  const fieldBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** sizeFlag;
  if (position + fieldBytes > bytes.length) return { kind: "invalid" };
  if (fieldBytes === 0) return { kind: "unknown" };
  let size = 0;
  for (let index = fieldBytes - 1; index >= 0; index--) {
    size = size * 256 + (bytes[position + index] ?? 0);
  }
  return { kind: "known", bytes: fieldBytes === 2 ? size + 256 : size };
}
