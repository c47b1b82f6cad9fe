declare const brand: unique symbol;

/**
 * A primitive that carries its meaning in its type, so that an offset is never passed where an
 * index is wanted.
 */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
