import { CodedError } from "@stratalog/base";
import type { TourClient } from "./tour-client.ts";

/** The SDK as the tour's client. */
export function connectTourClient(brokers: readonly string[]): TourClient {
  throw new CodedError("INTERNAL", `the SDK is not connected yet (${brokers.join(", ")})`);
}
