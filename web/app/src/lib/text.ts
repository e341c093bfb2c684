const encoder = new TextEncoder();

/** bytes is how long a text is on the wire, in UTF-8. */
export function bytes(text: string): number {
  return encoder.encode(text).length;
}

/**
 * sayable is a text without the control characters that show as nothing. Each
 * takes six bytes in a frame: a paste full of them would be too large for any
 * frame, and would be sent again for ever.
 */
export function sayable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '').trim();
}
