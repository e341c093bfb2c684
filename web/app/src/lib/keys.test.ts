import { describe, expect, it } from 'vitest';
import { forField, forPlayer } from './keys';

/** inside is an element within others; the fake matches a selector that names one of them. */
const inside = (...around: string[]) =>
  ({ closest: (selector: string) => around.find((one) => selector.split(', ').includes(one)) ?? null }) as unknown as EventTarget;

describe('a key', () => {
  it.each([
    [inside('textarea'), false, true],
    [inside('input:not([type=checkbox])', 'dialog'), false, true],
    [inside('[contenteditable]'), false, true],
    [inside('button'), false, false],
    [inside(), true, true], // within an input method
    [null, false, false],
  ])('belongs to a field one writes in, or does not', (target, isComposing, is) => {
    expect(forField({ target, isComposing })).toBe(is);
  });
});

describe('what is being heard', () => {
  const key = (key: string, target: EventTarget | null = null, more = {}) =>
    forPlayer({ key, target, isComposing: false, ctrlKey: false, metaKey: false, altKey: false, defaultPrevented: false, ...more });

  it('is played, paused and moved in by keys', () => {
    expect(key(' ')).toBe('toggle');
    expect(key('ArrowLeft')).toBe(-1);
    expect(key('ArrowRight', inside('button'))).toBe(1); // its own Play button has the focus
    expect(key('ArrowUp')).toBeNull();
    expect(key('a')).toBeNull();
  });

  it.each(['input', 'textarea', 'select', '[contenteditable]', '[role=slider]', 'dialog'])('leaves keys to %s', (what) => {
    expect(key(' ', inside(what))).toBeNull();
    expect(key('ArrowRight', inside(what))).toBeNull();
  });

  it.each(['button', 'a', 'summary', '[role=log]'])('leaves the space bar to %s', (what) => {
    expect(key(' ', inside(what))).toBeNull();
  });

  it('leaves alone what is for somebody else', () => {
    for (const more of [{ isComposing: true }, { ctrlKey: true }, { metaKey: true }, { altKey: true }, { defaultPrevented: true }]) {
      expect(key('ArrowLeft', null, more)).toBeNull();
    }
  });
});
