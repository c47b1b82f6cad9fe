// The catalogue of errors is closed: what can reach a user is documented, has one gRPC status, is
// made somewhere and is produced by a test. Write the page anew with
// `npx vitest run packages/client/src/error-codes.test.ts --update`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { status as Status } from "@grpc/grpc-js";
import { CodedError, type ErrorCode, ERROR_CODES } from "@stratalog/base";
import { statusOf, toWireError, fromWireError } from "@stratalog/protocol";
import { describe, expect, it } from "vitest";

// The catalogue's keys are its codes.
const CODES = Object.keys(ERROR_CODES) as readonly ErrorCode[];

const repositoryRoot = fileURLToPath(new URL("../../..", import.meta.url));

const HEAD = `# Errors

Every failure of the SDK and of the wire is a \`CodedError\`: a stable \`code\` to decide by,
\`message\` for people (it says what to do), \`details\` for programs, \`retriable\`,
\`outcomeUnknown\`, and the \`cause\`. A code never changes its meaning.

* **again**: the same call may succeed later or at another broker. The SDK does that by itself for
  as long as its time-outs allow, so that an error of this kind that you see was tried for long.
* **outcome**: \`unknown\` when the call may have taken effect all the same; \`none\` when it
  certainly has not.
* **status**: what plain gRPC tools and clients in other languages see; the code travels beside it.

| code | again | outcome | status | meaning |
| --- | --- | --- | --- | --- |
`;

function page(): string {
  const rows = CODES.map((code) => {
    const { retriable, outcome, meaning } = ERROR_CODES[code];
    const status = Status[statusOf(code)];
    return `| \`${code}\` | ${retriable ? "yes" : "no"} | ${outcome} | ${status} | ${meaning} |\n`;
  });
  return HEAD + rows.join("");
}

/** The files below a folder that a pattern matches, with what they say. */
function filesIn(folder: string, pattern: RegExp): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === "dist") return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path, pattern);
    return pattern.test(path) ? [readFileSync(path, "utf8")] : [];
  });
}

const names = (text: string, code: string): boolean => text.includes(`"${code}"`);

describe("the catalogue of errors", () => {
  it("is the page that users read", async () => {
    await expect(page()).toMatchFileSnapshot("../ERRORS.md");
  });

  it("has only codes that are made by the product and produced by a test", () => {
    const packages = join(repositoryRoot, "packages");
    const isOwn = /^(?!.*\.test\.ts$)(?!.*\/testing\/)(?!.*\/(?:error-codes|status)\.ts$).*\.ts$/;
    const product = filesIn(packages, isOwn);
    const tests = [
      ...filesIn(packages, /\.test\.ts$|-contract\.ts$/),
      ...filesIn(join(repositoryRoot, "test", "integration"), /\.ts$/),
    ];
    expect(CODES.filter((code) => !product.some((text) => names(text, code)))).toEqual([]);
    expect(CODES.filter((code) => !tests.some((text) => names(text, code)))).toEqual([]);
  });

  it("goes over the wire and comes back the same", () => {
    for (const code of CODES) {
      const error = new CodedError(code, "what to do", { details: { topic: "orders", offset: 7 } });
      const back = fromWireError({ leader: null, ...toWireError(error) } as never);
      expect([back.code, back.retriable, back.outcomeUnknown, back.details]).toEqual([
        code,
        error.retriable,
        error.outcomeUnknown,
        error.details,
      ]);
    }
  });
});
