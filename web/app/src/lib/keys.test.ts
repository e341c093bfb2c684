import { describe, expect, it } from 'vitest';
import { forField } from './keys';

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
