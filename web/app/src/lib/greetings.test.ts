import { describe, expect, it } from 'vitest';
import { boundsOf, contentOf, empty, expired, fresh, fromLocal, localTime } from './greetings';

const now = new Date('2026-03-05T12:00:00').getTime();
const hour = 3_600_000;

describe('greetings', () => {
  it('says for whom and until when', () => {
    const nameOf = (account: string) => ({ a: 'ann', b: 'bob' })[account] ?? '?';
    expect(boundsOf(fresh('any'), nameOf, now)).toBe('');
    expect(boundsOf({ ...fresh('any'), for: ['a', 'b'] }, nameOf, now)).toBe('for ann, bob');
    expect(boundsOf({ ...fresh('any'), for: ['a'], until: now + hour }, nameOf, now)).toMatch(/^for ann · until \d/);
    expect(boundsOf({ ...fresh('any'), until: now - hour }, nameOf, now)).toMatch(/^ended \d/);
    expect(expired({ ...fresh('any'), until: now }, now)).toBe(true);
    expect(expired(fresh('any'), now)).toBe(false);
  });

  it('says what callers get', () => {
    expect(contentOf(undefined)).toMatch(/server/);
    expect(contentOf({ ...fresh('dnd'), text: 'Back at two.' })).toBe('Back at two.');
    expect(contentOf({ ...fresh('dnd'), durationMs: 4000 })).toBe('Recording, 4 s');
    expect(contentOf({ ...fresh('dnd'), durationMs: 4000, text: 'Back.' })).toBe('Recording, 4 s: Back.');
    expect(empty({ ...fresh('dnd'), text: ' \n' })).toBe(true);
    expect(empty({ ...fresh('dnd'), durationMs: 1 })).toBe(false);
  });

  it('keeps times through an input', () => {
    expect(fromLocal(localTime(now))).toBe(now);
    expect(localTime(undefined)).toBe('');
    expect(fromLocal('')).toBeUndefined();
    expect(fromLocal('nonsense')).toBeUndefined();
  });
});
