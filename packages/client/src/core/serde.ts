import { CodedError, decodeUtf8Strict } from "@stratalog/base";

/**
 * Turns values into bytes and back. `null` stays null on the way in and on the way out. Text that
 * `serialize` gives is written in UTF-8, at less cost than bytes made of it.
 */
export interface Serde<T> {
  /** Throws what it will; the caller gets SERDE_FAILED with that as its cause. */
  serialize(value: T): Uint8Array | string | null;
  /** The bytes are a view of a batch: copy what must outlive the record. */
  deserialize(bytes: Uint8Array): T;
}

/** The part of a Standard Schema validator that is used here; it must answer synchronously. */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** Bytes as they are. */
export const bytes: Serde<Uint8Array> = {
  serialize: (value) => value,
  deserialize: (value) => value,
};

/** Text in UTF-8. */
export const string: Serde<string> = {
  serialize: (value) => value,
  deserialize(value) {
    const text = decodeUtf8Strict(value);
    if (text === undefined) throw new CodedError("SERDE_FAILED", "the bytes are no UTF-8 text");
    return text;
  },
};

/** JSON, checked by a Standard Schema validator (zod, valibot, arktype, …) both ways when given. */
export function json<T = unknown>(schema?: StandardSchema<T>): Serde<T> {
  return {
    serialize(value) {
      const text = JSON.stringify(schema === undefined ? value : validated(schema, value));
      if (text === undefined) throw new CodedError("SERDE_FAILED", "the value has no JSON form");
      return text;
    },
    deserialize(value) {
      const parsed = parseJson(string.deserialize(value));
      // Without a validator the type is the caller's word.
      return schema === undefined ? (parsed as T) : validated(schema, parsed);
    },
  };
}

/** A value without a serde: bytes and text as they are, all else JSON. */
export function serializePlain(value: unknown): Uint8Array | string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  const text = JSON.stringify(value, bigintAsText);
  if (text === undefined) throw new CodedError("SERDE_FAILED", "the value has no JSON form");
  return text;
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** Parses JSON; SERDE_FAILED when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CodedError("SERDE_FAILED", `not JSON: ${String(error)}`, { cause: error });
  }
}

function validated<T>(schema: StandardSchema<T>, value: unknown): T {
  const result = schema["~standard"].validate(value);
  if (typeof result !== "object" || result === null || "then" in result) {
    throw new CodedError("SERDE_FAILED", "the validator must answer synchronously");
  }
  if ("issues" in result && Array.isArray(result.issues) && result.issues.length > 0) {
    const first: unknown = result.issues[0];
    const message =
      typeof first === "object" && first !== null && "message" in first
        ? String(first.message)
        : "invalid";
    throw new CodedError("SERDE_FAILED", `the validator refused the value: ${message}`);
  }
  // The Standard Schema promises its output here when there are no issues.
  return ("value" in result ? result.value : undefined) as T;
}
