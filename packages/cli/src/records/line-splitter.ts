import { CodedError } from "@stratalog/base";

const LINE_BYTES_MAX = 64 * 1024 * 1024;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Cuts a stream of bytes into lines, without their ends; a last line needs none. Bytes stay bytes:
 * a record may hold anything but a newline. Errors: INVALID_REQUEST for a line of more than 64 MiB,
 * which no batch could take.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield withoutReturn(concat(rest, chunk.subarray(start, end)));
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      rest.push(chunk.subarray(start));
      restBytes += chunk.length - start;
    }
    if (restBytes > LINE_BYTES_MAX) {
      throw new CodedError("INVALID_REQUEST", "a line of the input is longer than 64 MiB");
    }
  }
  if (restBytes > 0) yield withoutReturn(concat(rest, new Uint8Array()));
}

function concat(parts: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  return parts.length === 0 ? last : Buffer.concat([...parts, last]);
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}
