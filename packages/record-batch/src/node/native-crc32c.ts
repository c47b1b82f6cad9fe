import { createRequire } from "node:module";
import { type Crc32c, useNativeCrc32c } from "../core/crc32c.ts";

interface NativeModule {
  crc32c(input: Uint8Array, initialState?: number): number;
}

/**
 * The native CRC-32C of the optional dependency, or undefined where it has no binary for this
 * machine.
 */
export function loadNativeCrc32c(): Crc32c | undefined {
  let module: NativeModule;
  try {
    // `require`, because an optional native module must be loaded here and now, and may be absent.
    module = createRequire(import.meta.url)("@node-rs/crc32") as NativeModule;
  } catch {
    // Absent or built for another machine: the portable code gives the same answers, about five
    // times slower.
    return undefined;
  }
  return (bytes, start, end, seed) => {
    const whole = start === 0 && end === bytes.length;
    return module.crc32c(whole ? bytes : bytes.subarray(start, end), seed);
  };
}

/** Makes `crc32c` use the native code when there is one. Harmless to call again. */
export function installNativeCrc32c(): void {
  const implementation = loadNativeCrc32c();
  if (implementation !== undefined) useNativeCrc32c(implementation);
}
