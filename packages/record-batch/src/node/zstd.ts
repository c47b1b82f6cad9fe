import { createRequire } from "node:module";
import zlib from "node:zlib";
import type { Codec, Decompressed } from "../core/codec.ts";
import { batchFailure } from "../core/record.ts";
import { zstdContentSize } from "../core/zstd-frame.ts";
import { plainBytes, zlibFailure } from "./gzip.ts";

/** Node has zstd in zlib from 22.15 on; the types that we compile against are those of Node 20. */
interface ZlibWithZstd {
  readonly zstdCompressSync: (bytes: Uint8Array) => Uint8Array;
  readonly zstdDecompressSync: (
    bytes: Uint8Array,
    options: { readonly maxOutputLength: number },
  ) => Uint8Array;
}

interface WasmModule {
  init(): Promise<void>;
  compress(bytes: Uint8Array, level?: number): Uint8Array;
  decompress(bytes: Uint8Array, options?: { defaultHeapSize?: number }): Uint8Array;
}

const LEVEL = 1;
/** WebAssembly memory never shrinks again: no batch may make it larger than this. */
const WASM_BYTES_MAX = 256 * 1024 * 1024;
const FIRST_HEAP_BYTES = 1024 * 1024;

/** Zstd by Node's own zlib where it has one. */
export function builtInZstd(): Codec | undefined {
  if (!("zstdCompressSync" in zlib)) return undefined;
  const module = zlib as unknown as ZlibWithZstd;
  return {
    compression: "zstd",
    compress: (bytes) => plainBytes(module.zstdCompressSync(bytes)),
    decompress(bytes, maxBytes) {
      try {
        const records = module.zstdDecompressSync(bytes, { maxOutputLength: maxBytes });
        return { ok: true, bytes: plainBytes(records) };
      } catch (error) {
        return zlibFailure(error, maxBytes);
      }
    },
  };
}

/** Zstd by WebAssembly, or undefined when the optional dependency is absent. */
export async function loadWasmZstd(): Promise<Codec | undefined> {
  let module: WasmModule;
  try {
    module = createRequire(import.meta.url)("@bokuweb/zstd-wasm") as WasmModule;
    await module.init();
  } catch {
    // Optional: without it zstd is one more codec that this installation does not support, and says
    // so.
    return undefined;
  }
  return {
    compression: "zstd",
    compress: (bytes) => module.compress(bytes, LEVEL),
    decompress: (bytes, maxBytes) => wasmDecompress(module, bytes, maxBytes),
  };
}

function wasmDecompress(module: WasmModule, bytes: Uint8Array, maxBytes: number): Decompressed {
  const size = zstdContentSize(bytes);
  const limit = Math.min(maxBytes, WASM_BYTES_MAX);
  if (size.kind === "invalid") {
    return batchFailure("CORRUPT_BATCH", "the compressed records are no zstd frame");
  }
  if (size.kind === "known" && size.bytes > limit) {
    return batchFailure("MESSAGE_TOO_LARGE", `the records decompress to over ${limit} bytes`);
  }
  // A frame that does not say its size is tried with more and more room, up to the limit.
  let heapBytes = Math.min(FIRST_HEAP_BYTES, limit);
  for (;;) {
    try {
      return { ok: true, bytes: module.decompress(bytes, { defaultHeapSize: heapBytes }) };
    } catch (error) {
      const isTooSmall = size.kind === "unknown" && String(error).includes("-70");
      if (isTooSmall && heapBytes < limit) {
        heapBytes = Math.min(heapBytes * 2, limit);
      } else if (isTooSmall) {
        return batchFailure("MESSAGE_TOO_LARGE", `the records decompress to over ${limit} bytes`);
      } else {
        return batchFailure(
          "CORRUPT_BATCH",
          `the compressed records are damaged (${String(error)})`,
        );
      }
    }
  }
}
