/**
 * Stands in for a request whose bytes are not the message that they should be. The library would
 * end the call with INTERNAL and no code of ours; as a value it reaches the service, which answers
 * INVALID_REQUEST.
 */
export class Malformed {
  /** What the decoder said, for the error's message. */
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}
