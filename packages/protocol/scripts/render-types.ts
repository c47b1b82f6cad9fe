import type { ProtoDeclaration, ProtoField, ProtoMessage, ProtoService } from "./proto-text.ts";

/** One .proto file, parsed. */
export interface ProtoFile {
  /** Name without directory and extension, for example "produce". */
  readonly name: string;
  readonly declarations: readonly ProtoDeclaration[];
}

/** Messages whose names would hide what the language itself has. */
const RENAMED: Readonly<Record<string, string>> = {
  Error: "WireError",
  Record: "WireRecord",
  Header: "WireHeader",
};

const SCALARS: Readonly<Record<string, string>> = {
  string: "string",
  bytes: "Uint8Array",
  bool: "boolean",
  double: "number",
  uint32: "number",
  uint64: "number",
  int64: "number",
};

/** What fits between the marks of a one-line comment in a line of 100. */
const COMMENT_CHARACTERS = 93;

/**
 * The TypeScript module of each file: one interface per message, one union per enum, one interface
 * per service.
 */
export function renderTypes(files: readonly ProtoFile[]): Map<string, string> {
  const home = new Map<string, string>();
  const enums = new Set<string>();
  for (const file of files) {
    for (const declaration of file.declarations) {
      home.set(declaration.name, file.name);
      if (declaration.kind === "enum") enums.add(declaration.name);
    }
  }
  return new Map(files.map((file) => [file.name, new Module(file, home, enums).render()]));
}

class Module {
  readonly #file: ProtoFile;
  readonly #home: ReadonlyMap<string, string>;
  readonly #enums: ReadonlySet<string>;
  readonly #imports = new Map<string, Set<string>>();
  readonly #lines: string[] = [];

  constructor(file: ProtoFile, home: ReadonlyMap<string, string>, enums: ReadonlySet<string>) {
    this.#file = file;
    this.#home = home;
    this.#enums = enums;
  }

  render(): string {
    for (const declaration of this.#file.declarations) {
      this.#comment(declaration.comment, "");
      if (declaration.kind === "message") this.#message(declaration);
      else if (declaration.kind === "service") this.#service(declaration);
      else {
        const values = declaration.values.map((value) => `  | "${value.name}"`);
        this.#lines.push(`export type ${declaration.name} =`, `${values.join("\n")};`, "");
      }
    }
    const head = [
      `// Generated from proto/stratalog/v1/${this.#file.name}.proto by scripts/generate.ts.`,
      "// Do not edit; a test compares.",
    ];
    for (const from of sorted(this.#imports.keys())) {
      const names = sorted(this.#imports.get(from) ?? []);
      head.push(`import type { ${names.join(", ")} } from "${from}";`);
    }
    return `${head.join("\n")}\n\n${this.#lines.join("\n")}`;
  }

  #message(message: ProtoMessage): void {
    this.#lines.push(`export interface ${tsName(message.name)} {`);
    for (const oneof of message.oneofs) {
      const members = message.fields.filter((field) => field.oneof === oneof);
      const names = members.map((field) => `    | "${camelCase(field.name)}"`);
      this.#lines.push(`  /** Which of the fields of this choice is set; absent: none. */`);
      this.#lines.push(`  readonly ${camelCase(oneof)}?:`, `${names.join("\n")};`);
    }
    for (const field of message.fields) {
      this.#comment(field.comment, "  ");
      this.#lines.push(`  readonly ${this.#field(field)};`);
    }
    this.#lines.push("}", "");
  }

  #field(field: ProtoField): string {
    const name = camelCase(field.name);
    const type = SCALARS[field.type] ?? this.#reference(field.type);
    if (field.label === "repeated") return `${name}: readonly ${type}[]`;
    if (field.label !== "single") return `${name}?: ${type}`;
    // An absent message is null in the decoder's output.
    const isMessage = SCALARS[field.type] === undefined && !this.#enums.has(field.type);
    return `${name}: ${isMessage ? `${type} | null` : type}`;
  }

  #service(service: ProtoService): void {
    this.#lines.push(`export interface ${service.name} {`);
    for (const method of service.methods) {
      this.#comment(method.comment, "  ");
      const kind = method.streams ? "BidiMethod" : "UnaryMethod";
      this.#import("../method.ts", kind);
      const types = `${this.#reference(method.request)}, ${this.#reference(method.response)}`;
      this.#lines.push(`  readonly ${lowerFirst(method.name)}: ${kind}<${types}>;`);
    }
    this.#lines.push("}", "");
  }

  #reference(type: string): string {
    const home = this.#home.get(type);
    if (home === undefined) throw new Error(`type ${type} is not declared`);
    if (home !== this.#file.name) this.#import(`./${home}.ts`, tsName(type));
    return tsName(type);
  }

  #import(from: string, name: string): void {
    const names = this.#imports.get(from) ?? new Set();
    this.#imports.set(from, names.add(name));
  }

  #comment(lines: readonly string[], indent: string): void {
    if (lines.length === 0) throw new Error(`something in ${this.#file.name} has no comment`);
    const [only = ""] = lines;
    const fits = lines.length === 1 && indent.length + only.length <= COMMENT_CHARACTERS;
    if (fits) this.#lines.push(`${indent}/** ${only} */`);
    else {
      const body = lines.map((line) => `${indent} * ${line}`);
      this.#lines.push(`${indent}/**`, ...body, `${indent} */`);
    }
  }
}

/** The TypeScript name of a message. */
export function tsName(name: string): string {
  return RENAMED[name] ?? name;
}

/** The TypeScript name of a field: `base_offset` is `baseOffset`. */
export function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function lowerFirst(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

/** By code units: the output must not depend on the machine's language. */
function sorted(names: Iterable<string>): string[] {
  return [...names].toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
