const WORD = 0x1_0000_0000;

// Big-endian integers in a byte array, without a DataView per access. Callers pass positions that
// they have checked.

export function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/** A whole number of 64 bits; above 2^53 it is not exact and callers refuse it. */
export function readUint64(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) * WORD + readUint32(bytes, at + 4);
}

export function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  writeUint32(bytes, at, Math.floor(value / WORD));
  writeUint32(bytes, at + 4, value >>> 0);
}

/** The next multiple of `unit`, a power of two, at or above `value`. */
export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/**
 * Merges runs of small neighbours into one buffer each: a vectored write of thousands of tiny parts
 * costs more than the copy. Parts of `smallBytes` and more are passed on as they are.
 */
export function mergeSmallParts(parts: readonly Uint8Array[], smallBytes: number): Uint8Array[] {
  const merged: Uint8Array[] = [];
  let start = 0;
  let runBytes = 0;
  const endRun = (end: number): void => {
    if (end - start === 1) merged.push(parts[start] as Uint8Array);
    else if (end > start) merged.push(concatenate(parts, { start, end, sizeBytes: runBytes }));
  };
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as Uint8Array;
    if (part.length < smallBytes) {
      runBytes += part.length;
      continue;
    }
    endRun(at);
    merged.push(part);
    start = at + 1;
    runBytes = 0;
  }
  endRun(parts.length);
  return merged;
}

function concatenate(
  parts: readonly Uint8Array[],
  run: { readonly start: number; readonly end: number; readonly sizeBytes: number },
): Uint8Array {
  const result = new Uint8Array(run.sizeBytes);
  let position = 0;
  for (let at = run.start; at < run.end; at++) {
    const part = parts[at] as Uint8Array;
    result.set(part, position);
    position += part.length;
  }
  return result;
}
