// The picture of a recording, from bytes that say how loud it is: 0 silent, 255 loud.

/** bars makes count heights of 0..1 from bytes, or from bytes in base64. Nonsense gives a flat line. */
export function bars(waveform: string | number[], count: number): number[] {
  const bytes = typeof waveform === 'string' ? levelsOf(waveform) : waveform;
  return Array.from({ length: count }, (_, bar) => {
    const from = Math.floor((bar * bytes.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * bytes.length) / count));
    return bytes.slice(from, to).reduce((loudest, byte) => Math.max(loudest, byte), 0) / 255;
  });
}

/** levelsOf decodes bytes in base64. Nonsense gives none. */
export function levelsOf(waveform: string): number[] {
  try {
    return Array.from(atob(waveform), (char) => char.charCodeAt(0));
  } catch {
    return [];
  }
}
