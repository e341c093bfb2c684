// The picture of a recording, from the bytes that the server measured.

/** bars decodes base64 bytes (0 silent, 255 loud) into count heights of 0..1. Nonsense gives a flat line. */
export function bars(waveform: string, count: number): number[] {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(waveform), (char) => char.charCodeAt(0));
  } catch {
    bytes = new Uint8Array();
  }
  return Array.from({ length: count }, (_, bar) => {
    const from = Math.floor((bar * bytes.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * bytes.length) / count));
    return bytes.slice(from, to).reduce((loudest, byte) => Math.max(loudest, byte), 0) / 255;
  });
}
