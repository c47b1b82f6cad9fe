import { isDeepStrictEqual } from "node:util";
import { Malformed, serverDefinition, type ServiceName } from "@stratalog/protocol";
import { mutated, oneOf, spliced } from "../mutation.ts";
import { sampledMethods } from "../request-samples.ts";
import { type FuzzTarget, must } from "../target.ts";
import { protobufNoise } from "../wire-noise.ts";

/** Requests of clients, as the server's decoders see them. */
export function requestTarget(): FuzzTarget {
  const methods = sampledMethods().map((method) => {
    const [, service = "", name = ""] = method.path.split("/");
    // The path is that of a definition of ours.
    const definition = serverDefinition(service.split(".").at(-1) as ServiceName);
    const found = Object.values(definition).find(({ path }) => path === method.path);
    if (found === undefined) throw new Error(`no definition of ${name}`);
    return { ...method, definition: found };
  });
  return {
    name: "requests",
    casesPerRound: 30_000,
    run(random) {
      const { samples, definition } = oneOf(methods, random);
      const sample = oneOf(samples, random);
      const shape = random.below(3);
      const bytes =
        shape === 0
          ? protobufNoise(random)
          : shape === 1
            ? spliced(sample, protobufNoise(random), random)
            : mutated(sample, random);
      const request: unknown = definition.requestDeserialize(Buffer.from(bytes));
      if (request instanceof Malformed) {
        must(request.reason.length < 1_000, "a refusal without an end");
        return;
      }
      // What was understood must mean the same when it is said again.
      const again: unknown = definition.requestDeserialize(
        definition.requestSerialize(request as object),
      );
      must(!(again instanceof Malformed), "a request cannot be said again");
      must(isDeepStrictEqual(normal(again), normal(request)), "a request changes");
    },
  };
}

/** NaN and negative zero are what they are; bytes compare by content. */
function normal(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) =>
      part instanceof Uint8Array ? Buffer.from(part).toString("hex") : part,
    ),
  );
}
