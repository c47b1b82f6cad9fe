import { brokerId, CodedError } from "@stratalog/base";
import type { ClientListener, MetadataImage } from "@stratalog/metadata";

/**
 * Where clients reach a broker that they know by a listener's name; undefined when it has none of
 * that name.
 */
export function addressOn(
  image: MetadataImage,
  id: number,
  listener: string,
): ClientListener | undefined {
  const registration = image.brokers.get(brokerId(id));
  return registration?.clientListeners.find((candidate) => candidate.name === listener);
}

/**
 * Adds the leader's address on the client's listener to an error that names a leader. Others pass
 * through.
 */
export function withLeaderAddress(error: unknown, image: MetadataImage, listener: string): unknown {
  if (!CodedError.is(error)) return error;
  const { leaderId } = error.details;
  if (typeof leaderId !== "number") return error;
  const address = addressOn(image, leaderId, listener);
  if (address === undefined) return error;
  const details = { ...error.details, leaderHost: address.host, leaderPort: address.port };
  return new CodedError(error.code, error.message, { details, cause: error });
}
