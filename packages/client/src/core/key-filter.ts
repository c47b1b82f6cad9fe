import { encodeUtf8 } from "@stratalog/base";
import type { ConsumedRecord } from "./consumed-record.ts";

/** Lets through the records that have one of some keys, byte by byte. */
export class KeyFilter {
  /** Keys by length, then compared: what does not match is mostly told by its length. */
  readonly #byLength = new Map<number, Uint8Array[]>();

  constructor(keys: readonly (string | Uint8Array)[]) {
    for (const key of keys) {
      const bytes = typeof key === "string" ? encodeUtf8(key) : key;
      const known = this.#byLength.get(bytes.length);
      if (known === undefined) this.#byLength.set(bytes.length, [bytes]);
      else known.push(bytes);
    }
  }

  accepts(record: ConsumedRecord<unknown, unknown>): boolean {
    const bytes = record.keyBytes;
    if (bytes === null) return false;
    const candidates = this.#byLength.get(bytes.length);
    return candidates !== undefined && candidates.some((key) => isSame(key, bytes));
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = a.length - 1; index >= 0; index--) if (a[index] !== b[index]) return false;
  return true;
}
