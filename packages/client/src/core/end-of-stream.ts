import { CodedError } from "@stratalog/base";

/**
 * What a stream ends with that its broker ended in good order: having no more to say, and without
 * an error of its own. Whoever waited for something more waits in vain.
 */
export function endOfStream(address: string): CodedError {
  return new CodedError("REQUEST_TIMED_OUT", `${address} ended the stream`, {
    details: { isEndOfStream: true },
  });
}

/** Whether a stream was ended in good order; false also where its transport does not say so. */
export function isEndOfStream(error: CodedError): boolean {
  return error.details["isEndOfStream"] === true;
}
