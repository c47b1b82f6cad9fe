/**
 * The codecs that the format names. This package decodes none, gzip and zstd; the others are
 * UNSUPPORTED_COMPRESSION.
 */
export type Compression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** The bits of the attributes that number the codec. */
export const COMPRESSION_MASK = 0x07;

const CODECS: readonly Compression[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/** The codec of a number, or undefined when the format has none. */
export function compressionOf(number: number): Compression | undefined {
  return CODECS[number];
}

/** The number of a codec in the attributes. */
export function compressionNumber(compression: Compression): number {
  return CODECS.indexOf(compression);
}
