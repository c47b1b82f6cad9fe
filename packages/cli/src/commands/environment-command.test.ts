import { afterEach, describe, expect, it, vi } from "vitest";
import { EnvironmentCommand } from "./environment-command.ts";

function parse(environment: Record<string, string>, args: readonly string[] = []) {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  let seen: unknown;
  const root = new EnvironmentCommand("strata").exitOverride();
  root
    .command("topic")
    .command("create")
    .option("--brokers <list>")
    .option("-p, --partitions <count>")
    .option("--if-not-exists")
    .action((options: unknown) => {
      seen = options;
    });
  root.parse(["topic", "create", ...args], { from: "user" });
  return seen;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the environment", () => {
  it("stands for every flag of every command", () => {
    const environment = {
      STRATALOG_BROKERS: "a:1",
      STRATA_TOPIC_CREATE_PARTITIONS: "3",
      STRATA_TOPIC_CREATE_IF_NOT_EXISTS: "true",
    };
    expect(parse(environment)).toEqual({ brokers: "a:1", partitions: "3", ifNotExists: true });
  });

  it("gives way to the command line", () => {
    expect(parse({ STRATALOG_BROKERS: "a:1" }, ["--brokers", "b:2"])).toEqual({ brokers: "b:2" });
  });

  it.each(["", "0", "false", "No"])("leaves a switch off that is set to %j", (text) => {
    expect(parse({ STRATA_TOPIC_CREATE_IF_NOT_EXISTS: text })).toEqual({});
  });
});
