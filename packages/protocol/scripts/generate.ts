/**
 * Writes src/gen from proto/stratalog/v1: types for the compiler, and the descriptor set for the
 * runtime, so that the built package needs no .proto file beside it. Run with `npx tsx
 * scripts/generate.ts`; a test holds the output.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadSync } from "@grpc/proto-loader";
import { parseProto } from "./proto-text.ts";
import { type ProtoFile, renderTypes } from "./render-types.ts";

const PROTO_ROOT = join(import.meta.dirname, "../../../proto");
const PROTO_DIRECTORY = "stratalog/v1";
const OUTPUT_DIRECTORY = join(import.meta.dirname, "../src/gen");
const BASE64_LINE_CHARACTERS = 92;

/** The parsed .proto files, by name. */
export function readProtoFiles(): ProtoFile[] {
  const directory = join(PROTO_ROOT, PROTO_DIRECTORY);
  const names = readdirSync(directory).filter((name) => name.endsWith(".proto"));
  return names
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => ({
      name: name.slice(0, -".proto".length),
      declarations: parseProto(readFileSync(join(directory, name), "utf8")),
    }));
}

/** Everything that src/gen holds: file name to text. */
export function generate(): Map<string, string> {
  const files = readProtoFiles();
  const output = new Map<string, string>();
  for (const [name, text] of renderTypes(files)) output.set(`${name}.ts`, text);
  output.set("descriptor-set.ts", renderDescriptorSet(files.map((file) => file.name)));
  return output;
}

function renderDescriptorSet(names: readonly string[]): string {
  const paths = names.map((name) => `${PROTO_DIRECTORY}/${name}.proto`);
  const definitions = loadSync(paths, { includeDirs: [PROTO_ROOT] });
  const descriptors = new Map<string, Buffer>();
  for (const definition of Object.values(definitions)) {
    const files = "fileDescriptorProtos" in definition ? definition.fileDescriptorProtos : [];
    // The loader is not typed for what it returns here; the runtime type is checked by decoding it
    // in the test.
    for (const file of files as Buffer[]) descriptors.set(file.toString("base64"), file);
  }
  const set = Buffer.concat([...descriptors.values()].flatMap((file) => [fieldHead(file), file]));
  const base64 = set.toString("base64");
  const lines: string[] = [];
  for (let start = 0; start < base64.length; start += BASE64_LINE_CHARACTERS) {
    lines.push(`  "${base64.slice(start, start + BASE64_LINE_CHARACTERS)}"`);
  }
  return [
    "// Generated from proto/stratalog/v1 by scripts/generate.ts. Do not edit; a test compares.",
    "",
    "/** A google.protobuf.FileDescriptorSet of all our files, in base64. */",
    "export const DESCRIPTOR_SET_BASE64 = [",
    `${lines.join(",\n")},`,
    '].join("");',
    "",
  ].join("\n");
}

/** Tag (field 1, length-delimited) and length of one file in a FileDescriptorSet. */
function fieldHead(file: Buffer): Buffer {
  const bytes = [0x0a];
  let rest = file.length;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

if (import.meta.filename === process.argv[1]) {
  for (const [name, text] of generate()) writeFileSync(join(OUTPUT_DIRECTORY, name), text);
}
