import { describe, expect, it, vi } from 'vitest';

vi.stubGlobal('location', { hash: '' });
vi.stubGlobal('window', { addEventListener: () => {} });
const { conversationIn } = await import('./route.svelte');

describe('conversationIn', () => {
  it.each([
    ['#/with/01a2', '01a2'],
    ['#/with/a%20b', 'a b'],
    ['#/with/%E0%A4', ''],
    ['#/with/', ''],
    ['#elsewhere', ''],
    ['', ''],
  ])('%s is about %s', (hash, account) => {
    expect(conversationIn(hash)).toBe(account);
  });
});
