import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { generate, readProtoFiles } from "../scripts/generate.ts";
import { parseProto } from "../scripts/proto-text.ts";
import { camelCase } from "../scripts/render-types.ts";
import { packageDefinition, type ServiceName, serviceDefinition } from "./definitions.ts";

const GEN = join(import.meta.dirname, "gen");

interface DescribedMessage {
  readonly field: readonly { readonly name: string; readonly number: number }[];
}

describe("generated files", () => {
  it("are what the .proto files say", () => {
    const expected = generate();
    expect(readdirSync(GEN).toSorted()).toEqual([...expected.keys()].toSorted());
    for (const [name, text] of expected) {
      expect(readFileSync(join(GEN, name), "utf8"), name).toBe(text);
    }
  });

  it("have the fields and numbers that protobuf's own reader sees", () => {
    let messageCount = 0;
    for (const { declarations } of readProtoFiles()) {
      for (const declaration of declarations) {
        if (declaration.kind !== "message") continue;
        messageCount++;
        const definition = packageDefinition[`stratalog.v1.${declaration.name}`];
        const { field } = (definition as unknown as { type: DescribedMessage }).type;
        expect(
          Object.fromEntries(declaration.fields.map((one) => [camelCase(one.name), one.number])),
          declaration.name,
        ).toEqual(Object.fromEntries(field.map((one) => [one.name, one.number])));
      }
    }
    expect(messageCount).toBeGreaterThan(60);
  });

  it("have the methods that protobuf's own reader sees", () => {
    const services = readProtoFiles().flatMap((file) =>
      file.declarations.filter((declaration) => declaration.kind === "service"),
    );
    expect(services.length).toBe(5);
    for (const service of services) {
      const definition = serviceDefinition(service.name as ServiceName);
      expect(Object.keys(definition)).toEqual(service.methods.map((method) => method.name));
      for (const method of service.methods) {
        expect(definition[method.name]?.requestStream, method.name).toBe(method.streams);
        expect(definition[method.name]?.responseStream, method.name).toBe(method.streams);
      }
    }
  });
});

describe("parseProto", () => {
  it("refuses what is outside its subset instead of skipping it", () => {
    expect(() => parseProto("message A {\n  map<string, string> b = 1;\n}")).toThrow("line 2");
    expect(() => parseProto("service S {\n  rpc A(stream B) returns (C);\n}")).toThrow("line 2");
  });
});
