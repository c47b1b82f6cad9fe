import { decodeUtf8Strict, encodeUtf8 } from "./text.ts";

/** What a JSON value must look like, and the type it then has. Reading checks; nothing is cast. */
export interface Shape<T> {
  /** The value, or throws a {@link ShapeError} that names the path of the first thing wrong. */
  read(value: unknown, path: string): T;
  readonly isOptional?: boolean;
}

/** A field that may be absent. */
export interface OptionalShape<T> extends Shape<T> {
  readonly isOptional: true;
}

/** The type of the values that a shape accepts. */
export type Shaped<S> = S extends Shape<infer T> ? T : never;

type Fields = Readonly<Record<string, Shape<unknown>>>;
type ObjectOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends OptionalShape<unknown> ? never : K]: Shaped<F[K]>;
} & {
  readonly [K in keyof F as F[K] extends OptionalShape<unknown> ? K : never]?: Shaped<F[K]>;
};
type TaggedOf<M extends Readonly<Record<string, Shape<object>>>> = {
  [K in keyof M & string]: { readonly type: K } & Shaped<M[K]>;
}[keyof M & string];

/** A value does not have its shape. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

function fail(path: string, expected: string): never {
  throw new ShapeError(`${path === "" ? "value" : path}: expected ${expected}`);
}

function readObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(path, "an object");
  // Checked just above; own properties only are looked at from here on.
  return value as Readonly<Record<string, unknown>>;
}

function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

const text: Shape<string> = {
  read: (value, path) => (typeof value === "string" ? value : fail(path, "a text")),
};

const flag: Shape<boolean> = {
  read: (value, path) => (typeof value === "boolean" ? value : fail(path, "true or false")),
};

function integer(
  min: number = Number.MIN_SAFE_INTEGER,
  max: number = Number.MAX_SAFE_INTEGER,
): Shape<number> {
  return {
    read(value, path) {
      const fits = Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
      return fits ? Number(value) : fail(path, `a whole number from ${min} to ${max}`);
    },
  };
}

function oneOf<const T extends string>(values: readonly T[]): Shape<T> {
  return {
    read: (value, path) =>
      values.find((allowed) => allowed === value) ?? fail(path, `one of ${values.join(", ")}`),
  };
}

function list<T>(of: Shape<T>): Shape<readonly T[]> {
  return {
    read(value, path) {
      if (!Array.isArray(value)) fail(path, "a list");
      return value.map((item: unknown, index) => of.read(item, `${path}[${index}]`));
    },
  };
}

/** An object used as a map from text to values of one shape. */
function map<T>(of: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return {
    read: (value, path) =>
      new Map(
        Object.entries(readObject(value, path)).map(([key, item]) => [
          key,
          of.read(item, `${path}.${key}`),
        ]),
      ),
  };
}

function object<F extends Fields>(fields: F): Shape<ObjectOf<F>> {
  return {
    read(value, path) {
      const source = readObject(value, path);
      const result: Record<string, unknown> = {};
      for (const [key, field] of Object.entries(fields)) {
        const item = own(source, key);
        if (item === undefined && field.isOptional === true) continue;
        result[key] = field.read(item, `${path}.${key}`);
      }
      // Every field was read by its shape above.
      return result as ObjectOf<F>;
    },
  };
}

function optional<T>(of: Shape<T>): OptionalShape<T> {
  return { isOptional: true, read: (value, path) => of.read(value, path) };
}

/**
 * A union told apart by its field `type`. Unknown types are refused: skipping a record would fork
 * the state.
 */
function tagged<M extends Readonly<Record<string, Shape<object>>>>(
  variants: M,
): Shape<TaggedOf<M>> {
  return {
    read(value, path) {
      const type = own(readObject(value, path), "type");
      if (typeof type !== "string" || !Object.hasOwn(variants, type)) {
        fail(`${path}.type`, `one of ${Object.keys(variants).join(", ")}`);
      }
      const fields = variants[type]?.read(value, path);
      // The fields were read by the variant's shape.
      return { type, ...fields } as unknown as TaggedOf<M>;
    },
  };
}

/**
 * A shape whose values are converted, for instance branded, by a function that throws when it
 * refuses.
 */
function converted<A, B>(of: Shape<A>, convert: (value: A) => B, expected: string): Shape<B> {
  return {
    read(value, path) {
      const plain = of.read(value, path);
      try {
        return convert(plain);
      } catch (cause) {
        throw new ShapeError(`${path}: expected ${expected}`, { cause });
      }
    },
  };
}

/** The shapes to build from. */
export const shape = { text, flag, integer, oneOf, list, map, object, optional, tagged, converted };

export type JsonDecoding<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

/** UTF-8 JSON to a value of a shape; says what is wrong instead of throwing. */
export function decodeJson<T>(bytes: Uint8Array, of: Shape<T>): JsonDecoding<T> {
  const source = decodeUtf8Strict(bytes);
  if (source === undefined) return { ok: false, reason: "not UTF-8" };
  try {
    return { ok: true, value: of.read(JSON.parse(source), "") };
  } catch (error) {
    if (error instanceof ShapeError || error instanceof SyntaxError) {
      return { ok: false, reason: error.message };
    }
    throw error;
  }
}

/** A value as UTF-8 JSON. */
export function encodeJson(value: unknown): Uint8Array {
  return encodeUtf8(JSON.stringify(value));
}
