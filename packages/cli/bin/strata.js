#!/usr/bin/env node
// The door of the command line: it needs nothing but Node, so that it can say what is missing.
import { existsSync } from "node:fs";
import process from "node:process";
import { setFlagsFromString } from "node:v8";

// Brokers started from here need threads for reads beside the write-ahead log's syncs; libuv's default is four.
process.env.UV_THREADPOOL_SIZE ??= "16";

// A broker's heap is small. Its buffers lie outside it, yet V8 counts them against the room that it
// gives the heap to grow, and so collects the whole heap for every few megabytes that pass through.
// The factor is read at each collection, so setting it here is early enough. The memory outside the
// heap stays bounded by V8's own limit of 64 MiB between two collections.
if (process.argv[2] === "broker") setFlagsFromString("--heap-growing-percent=400");

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`strata needs Node 20.19 or newer; this is ${process.version}\n`);
  process.exit(1);
}
const program = new URL("../dist/main.js", import.meta.url);
if (!existsSync(program)) {
  process.stderr.write("strata is not built yet; run `npm run setup` in the repository first\n");
  process.exit(1);
}
const { main } = await import(program.href);
const exitCode = await main(process.argv.slice(2));
// Output to a pipe may still be on its way; leftovers that keep the event loop busy must not keep the command.
process.stdout.write("", () => process.exit(exitCode));
