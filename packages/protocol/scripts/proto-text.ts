/**
 * Reads the subset of the proto3 language that proto/stratalog/v1 is written in. Anything else is
 * an error.
 */

export interface ProtoField {
  readonly name: string;
  readonly type: string;
  readonly number: number;
  readonly label: "single" | "optional" | "repeated" | "oneof";
  readonly oneof?: string;
  readonly comment: readonly string[];
}

export interface ProtoMessage {
  readonly kind: "message";
  readonly name: string;
  readonly comment: readonly string[];
  readonly fields: ProtoField[];
  readonly oneofs: string[];
}

export interface ProtoEnum {
  readonly kind: "enum";
  readonly name: string;
  readonly comment: readonly string[];
  readonly values: { readonly name: string; readonly comment: readonly string[] }[];
}

export interface ProtoMethod {
  readonly name: string;
  readonly request: string;
  readonly response: string;
  readonly streams: boolean;
  readonly comment: readonly string[];
}

export interface ProtoService {
  readonly kind: "service";
  readonly name: string;
  readonly comment: readonly string[];
  readonly methods: ProtoMethod[];
}

export type ProtoDeclaration = ProtoMessage | ProtoEnum | ProtoService;

const OPENING = /^(message|enum|service) (\w+) \{(\})?$/;
const ONEOF = /^oneof (\w+) \{$/;
const FIELD = /^(optional |repeated )?([\w.]+) (\w+) = (\d+);$/;
const VALUE = /^(\w+) = (\d+);$/;
const METHOD = /^rpc (\w+)\((stream )?(\w+)\) returns \((stream )?(\w+)\);$/;
const PREAMBLE = /^(syntax|package|import) /;

/** Parses one file into its declarations, with the comments above each thing. */
export function parseProto(text: string): ProtoDeclaration[] {
  const declarations: ProtoDeclaration[] = [];
  let current: ProtoDeclaration | undefined;
  let oneof: string | undefined;
  let comment: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line.startsWith("//")) {
      comment.push(line.slice(2).trim());
      continue;
    }
    const said = comment;
    comment = [];
    if (line === "" || PREAMBLE.test(line)) continue;
    const opening = OPENING.exec(line);
    if (opening !== null) {
      current = openDeclaration(opening[1] ?? "", opening[2] ?? "", said);
      declarations.push(current);
      if (opening[3] !== undefined) current = undefined;
    } else if (line === "}") {
      if (oneof === undefined) current = undefined;
      oneof = undefined;
    } else if (current?.kind === "message" && ONEOF.test(line)) {
      oneof = ONEOF.exec(line)?.[1] ?? "";
      current.oneofs.push(oneof);
    } else if (current === undefined || !take(current, line, { oneof, comment: said })) {
      throw new Error(`line ${index + 1} is not in the subset: ${line}`);
    }
  }
  return declarations;
}

function openDeclaration(kind: string, name: string, comment: readonly string[]): ProtoDeclaration {
  if (kind === "message") return { kind, name, comment, fields: [], oneofs: [] };
  if (kind === "enum") return { kind, name, comment, values: [] };
  return { kind: "service", name, comment, methods: [] };
}

function take(
  into: ProtoDeclaration,
  line: string,
  context: { readonly oneof: string | undefined; readonly comment: readonly string[] },
): boolean {
  const { comment, oneof } = context;
  if (into.kind === "message") {
    const match = FIELD.exec(line);
    if (match === null) return false;
    const [, label, type = "", name = "", number] = match;
    const field = { name, type, number: Number(number), comment };
    if (oneof !== undefined) into.fields.push({ ...field, label: "oneof", oneof });
    else if (label === undefined) into.fields.push({ ...field, label: "single" });
    else into.fields.push({ ...field, label: label.trim() as "optional" | "repeated" });
    return true;
  }
  if (into.kind === "enum") {
    const match = VALUE.exec(line);
    if (match === null) return false;
    into.values.push({ name: match[1] ?? "", comment });
    return true;
  }
  const match = METHOD.exec(line);
  if (match === null || (match[2] === undefined) !== (match[4] === undefined)) return false;
  const [, name = "", streams, request = "", , response = ""] = match;
  into.methods.push({ name, request, response, streams: streams !== undefined, comment });
  return true;
}
