import { describe, expect, it } from 'vitest';
import { loudness } from './levels';
import { bars } from './waveform';

describe('bars', () => {
  it('takes the loudest of each stretch', () => {
    expect(bars(btoa(String.fromCharCode(0, 255, 51, 0)), 2)).toEqual([1, 0.2]);
  });

  it('stretches a short picture', () => {
    expect(bars(btoa(String.fromCharCode(255, 0)), 4)).toEqual([1, 1, 0, 0]);
  });

  it('is flat for nothing and for nonsense', () => {
    expect(bars('', 3)).toEqual([0, 0, 0]);
    expect(bars('***', 3)).toEqual([0, 0, 0]);
    expect(bars([], 3)).toEqual([0, 0, 0]);
  });
});

describe('loudness', () => {
  it('goes from silence to full volume', () => {
    expect(loudness(new Float32Array(64))).toBe(0);
    expect(loudness(new Float32Array(64).fill(1))).toBe(1);
    expect(loudness(new Float32Array(64).fill(0.0225))).toBeCloseTo(0.5, 1);
  });
});
