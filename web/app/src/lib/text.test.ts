import { describe, expect, it } from 'vitest';
import { bytes, sayable } from './text';
import { MaxText } from './wire';

describe('sayable', () => {
  it('keeps what shows, lines and tabs included', () => {
    expect(sayable(' one\n\ttwo\r\n👩‍👩‍👧 é ')).toBe('one\n\ttwo\r\n👩‍👩‍👧 é');
  });

  it('drops control characters', () => {
    expect(sayable('\u001b[1mbold\u0000\u0007\u007f')).toBe('[1mbold');
    expect(sayable('\u0001\u0002')).toBe('');
  });

  it.each(['"', '\\', '\n', '\u001b', '\ud800', '\u20ac'])('makes frames of at most 64 KiB, also of %j alone', (character) => {
    const text = sayable(`x${character.repeat(MaxText / bytes(character) - 1)}x`);
    expect(bytes(JSON.stringify({ type: 'send', id: '1', cid: 'c'.repeat(32), to: 'p'.repeat(36), text }))).toBeLessThan(64 << 10);
  });
});
