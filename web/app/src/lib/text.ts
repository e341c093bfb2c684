const encoder = new TextEncoder();

/** bytes is how long a text is on the wire, in UTF-8. */
export function bytes(text: string): number {
  return encoder.encode(text).length;
}
