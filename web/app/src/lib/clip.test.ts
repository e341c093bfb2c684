import { describe, expect, it } from 'vitest';
import { wav } from './clip';

describe('wav', () => {
  it('is a file of 16-bit samples, none beyond full scale', () => {
    const view = new DataView(wav(new Float32Array([0, 1, -1, 7, 0.5]), 24_000));
    const word = (at: number) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
    expect([word(0), word(8), word(12), word(36)]).toEqual(['RIFF', 'WAVE', 'fmt ', 'data']);
    expect([view.getUint32(4, true), view.getUint32(24, true), view.getUint32(40, true)]).toEqual([46, 24_000, 10]);
    expect([0, 1, 2, 3, 4].map((i) => view.getInt16(44 + 2 * i, true))).toEqual([0, 32_767, -32_767, 32_767, 16_384]);
  });
});
