// Another language uses the log with nothing but gRPC and the .proto files: a client in Python,
// whose message classes are read from those files, against a cluster in this process.
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startTestCluster } from "@stratalog/testing";
import { describe, expect, it } from "vitest";
import { canRun, repositoryRoot } from "../skips.ts";

const run = promisify(execFile);
const FOLDER = join(repositoryRoot, "test", "conformance");
const PROTOS = join(repositoryRoot, "proto", "stratalog", "v1");

/** The first Python that has the libraries. */
async function findPython(): Promise<string | undefined> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const check = run(python, ["-c", "import grpc, google.protobuf"]);
    if ((await Promise.allSettled([check]))[0]?.status === "fulfilled") return python;
  }
  return undefined;
}

const python = await findPython();
const canRunPython = canRun({
  need: "python",
  isMet: python !== undefined,
  name: "the unary calls from Python",
  reason: "no python3 with grpc (Debian: python3-grpcio) is there",
});

describe.skipIf(!canRunPython)("a client in Python", () => {
  it("produces, fetches, commits and lists offsets by unary calls", async () => {
    await using cluster = await startTestCluster();
    const address = cluster.addresses[0] ?? "";
    const files = readdirSync(PROTOS).map((name) => join(PROTOS, name));
    const args = ["-B", "-W", "ignore", join(FOLDER, "unary_client.py"), address, ...files];
    const { stdout } = await run(python ?? "", args, { timeout: 60_000 });
    const seen: unknown = JSON.parse(stdout);
    const headers = [
      ["source", "python"],
      ["empty", ""],
    ];
    const record = (number: number): object => ({
      offset: number,
      timestamp: 1_700_000_000_000 + number * 1_000,
      key: `k${number}`,
      value: `grüße ${number}`,
      headers,
    });
    const gone = { offset: 5, timestamp: 1_700_000_005_000, key: "gone", value: null, headers: [] };
    expect(seen).toEqual({
      produced: [0, 6],
      unexpected: {
        status: "FAILED_PRECONDITION",
        code: "WRONG_EXPECTED_OFFSET",
        numbers: expect.objectContaining({}) as object,
      },
      fetched: [record(1), record(2), record(3), record(4), gone],
      next: [6, 6],
      beyond: {
        status: "OUT_OF_RANGE",
        code: "OFFSET_OUT_OF_RANGE",
        numbers: expect.objectContaining({ logStartOffset: 0 }) as object,
      },
      earliest: 0,
      latest: 6,
      "by time": [3, 1_700_000_003_000],
      coordinator: address,
      committed: [4, "from python"],
      "no group": { status: "NOT_FOUND", code: "GROUP_NOT_FOUND", numbers: {} },
    });
  }, 120_000);
});
