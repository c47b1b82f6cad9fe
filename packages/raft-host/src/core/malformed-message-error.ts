/**
 * A peer sent bytes that are not a message of the protocol. Whoever owns the connection closes it;
 * nothing of the message was acted upon.
 */
export class MalformedMessageError extends Error {
  override readonly name = "MalformedMessageError";
}
