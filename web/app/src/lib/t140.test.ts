import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { apply, edits, Typing } from './t140';

const read = (...blocks: string[]) => blocks.reduce(apply, { text: '', ended: 0 });

describe('T.140', () => {
  it.each([
    ['', 'hi', 'hi'],
    ['hi', 'hit', 't'],
    ['hit', 'hat', '\b\bat'],
    ['a👍b', 'a', '\b\b'],
    ['same', 'same', ''],
  ])('takes %j to %j', (before, after, sent) => {
    expect(edits(before, after)).toBe(sent);
    expect(apply({ text: before, ended: 0 }, sent).text).toBe(after);
  });

  it('erases, ends lines, and leaves out what is no text', () => {
    expect(read('\uFEFFhel', 'x\blo')).toEqual({ text: 'hello', ended: 0 });
    expect(read('\b\b')).toEqual({ text: '', ended: 0 });
    expect(read('one\u2028two\r\nthree')).toEqual({ text: 'three', ended: 2 });
    expect(read('\u0007a\u001B[1mb\u001B[0m\u0098secret\u009Cc\u0000')).toEqual({ text: 'abc', ended: 0 });
    expect(read('lo\uFFFDst').text).toBe('lo\uFFFDst');
  });

  it('keeps no endless line', () => {
    expect(read(...Array.from({ length: 40 }, () => 'x'.repeat(1000))).text).toHaveLength(16 << 10);
  });

  describe('Typing', () => {
    let sent: string[];
    let typing: Typing;
    beforeEach(() => {
      vi.useFakeTimers({ now: 0 });
      sent = [];
      typing = new Typing((block) => sent.push(block));
    });
    afterEach(() => vi.useRealTimers());

    it('sends what was typed in 300 ms as one block', () => {
      typing.type('h');
      vi.advanceTimersByTime(200);
      typing.type('he');
      vi.advanceTimersByTime(99);
      expect(sent).toEqual([]);
      vi.advanceTimersByTime(1);
      typing.type('ha');
      vi.advanceTimersByTime(1000);
      expect(sent).toEqual(['he', '\ba']);
      expect(typing.end()).toBe(true);
      expect(sent.at(-1)).toBe('\u2028');
    });

    it('says nothing of a line that was quicker', () => {
      typing.type('ok');
      expect(typing.end()).toBe(false);
      vi.advanceTimersByTime(1000);
      expect(sent).toEqual([]);
    });

    it('sends no faster than one can read', () => {
      typing.type('x'.repeat(1000));
      vi.advanceTimersByTime(3000);
      const length = sent.join('').length;
      expect(length).toBeGreaterThan(300);
      expect(length).toBeLessThanOrEqual(300 + 3 * 30);
      vi.advanceTimersByTime(30_000);
      expect(read(...sent).text).toHaveLength(1000);
    });
  });
});
