import { describe, expect, it } from 'vitest';
import { parts } from './links';

describe('parts', () => {
  it.each([
    ['see https://example.org/a.', ['https://example.org/a']],
    ['(https://example.org/a_(b)) and http://x.y?q=1!', ['https://example.org/a_(b)', 'http://x.y?q=1']],
    ['HTTPS://EXAMPLE.ORG', ['HTTPS://EXAMPLE.ORG']],
    ['javascript:alert(1) data:text/html,x', []],
    ['https://', []],
    ['<a href="https://example.org">', ['https://example.org']],
  ])('finds addresses in %j', (text, want) => {
    expect(parts(text).filter((part) => part.href).map((part) => part.href)).toEqual(want);
  });

  it.each(['', 'plain', 'a https://example.org/x, b http://y.z/. c\nd'])('loses nothing of %j', (text) => {
    expect(parts(text).map((part) => part.text).join('')).toBe(text);
  });
});
