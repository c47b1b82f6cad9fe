const KEY_COUNT = 10_000;
const VALUE_COUNT = 1_000;

/** Keys and JSON documents of one size, made before the clock runs. */
export interface RecordPool {
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
}

/** Documents of exactly `valueBytes` bytes, at least 64. */
export function recordPool(valueBytes: number): RecordPool {
  const keys = Array.from({ length: KEY_COUNT }, (_, number) => `customer-${number}`);
  const values = Array.from({ length: VALUE_COUNT }, (_, number) => {
    const order = { order: number, state: "placed", amount: (number * 7919) % 100_000, note: "" };
    const restBytes = valueBytes - JSON.stringify(order).length;
    const note = words(number, restBytes);
    return Buffer.from(JSON.stringify({ ...order, note }));
  });
  return { keys, values };
}

const WORDS = ["kettle", "lantern", "copper", "harbour", "orchard", "saddle", "meadow", "thimble"];

function words(seed: number, length: number): string {
  let text = "";
  for (let at = seed; text.length < length; at = (at * 31 + 7) % 1_000_003) {
    text += `${WORDS[at % WORDS.length] ?? ""} `;
  }
  return text.slice(0, length);
}
