// What can go wrong, as something to show to a person.

/** A refusal by the server, or a fault on the way to it. `message` is a sentence for people. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    /** for machines: a Code of the protocol, a code of the HTTP API, or "disconnected" */
    readonly code: string,
    message: string,
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

/** The server cannot be reached at the moment, or went away before it answered. */
export function disconnected(): Problem {
  return new Problem('disconnected', 'There is no connection to the server right now. Try again in a moment.');
}

/** sentenceOf says any error to a person. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Problem) {
    return error.message;
  }
  return 'Something went wrong on this page. Reload it if that happens again.';
}
