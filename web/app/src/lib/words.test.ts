import { describe, expect, it } from 'vitest';
import { clock } from './time';
import type * as wire from './wire';
import { brokenOff, browserOf, entryOf, heldIn, missed, nearlyFull, presenceOf, previewOf, runOf } from './words';

describe('entryOf', () => {
  const entry = (outcome: wire.Outcome, duration_ms?: number) => ({ call: 'c', outcome, ...(duration_ms && { duration_ms }) });

  it.each([
    ['answered', 125_000, true, 'Call, 2 min 5 s'],
    ['answered', 400, true, 'Call, 1 s'],
    ['answered', 0, true, 'Call'],
    ['lost', 2_000, false, 'Call, 2 s, connection lost'],
    ['no_answer', 0, true, 'No answer'],
    ['no_answer', 0, false, 'Missed call'],
    ['cancelled', 0, false, 'Missed call'],
    ['declined', 0, false, 'You declined a call'],
    ['offline', 0, false, 'Missed call, you were offline'],
  ] as const)('%s of %d ms, mine %s', (outcome, ms, mine, want) => expect(entryOf(entry(outcome, ms), mine)).toBe(want));

  it.each([
    ['answered', 180_000, true, 'Private text, 3 min'],
    ['lost', 2_000, false, 'Private text, 2 s, connection lost'],
    ['declined', 0, false, 'You declined a private text'],
    ['cancelled', 0, true, 'Private text cancelled'],
    ['no_answer', 0, false, 'Missed private text'],
  ] as const)('%s of a text call of %d ms, mine %s', (outcome, ms, mine, want) =>
    expect(entryOf({ ...entry(outcome, ms), intent: 'text' }, mine)).toBe(want),
  );

  it('asks to call back only for what the other wanted and did not get', () => {
    expect(missed(entry('no_answer'), false)).toBe(true);
    expect(missed(entry('no_answer'), true)).toBe(false);
    expect(missed(entry('declined'), false)).toBe(false);
    expect(missed(entry('answered'), false)).toBe(false);
  });
});

it('asks for the rest of a call that broke off, for a day', () => {
  const message = (outcome: wire.Outcome, intent?: string) => ({ time: 1_000, call: { call: 'c', outcome, ...(intent && { intent }) } }) as wire.Message;
  expect(brokenOff(message('lost'), 2_000)).toBe(true);
  expect(brokenOff(message('lost'), 1_000 + 86_400_000)).toBe(false);
  expect(brokenOff(message('lost', 'text'), 2_000)).toBe(false);
  expect(brokenOff(message('answered'), 2_000)).toBe(false);
});

describe('runOf', () => {
  const run = (outcome: wire.Outcome, mine: boolean, count = 1, more: Partial<wire.CallEntry> = {}, voice = false) => {
    const call = { call: 'c', outcome, ...more };
    const message = { call, ...(voice && { voice: { duration_ms: 1, waveform: '', bytes: 1 } }) } as wire.Message;
    return runOf({ message, call, mine, missed: missed(call, mine), count });
  };
  it.each([
    [run('answered', true, 1, { duration_ms: 65_000 }), 'Outgoing, 1 min 5 s'],
    [run('answered', false, 1, { duration_ms: 65_000 }), 'Incoming, 1 min 5 s'],
    [run('lost', false, 1, { duration_ms: 2_000 }), 'Call, 2 s, connection lost'],
    [run('no_answer', true, 2), 'No answer (2)'],
    [run('busy', false, 3), '3 missed calls'],
    [run('busy', false, 2, { intent: 'text' }), '2 missed private texts'],
    [run('no_answer', true, 1, {}, true), 'No answer, voice message left'],
    [run('declined', false), 'You declined a call'],
  ])('%s', (got, want) => expect(got).toBe(want));
});

it('does not show a call of somebody who is offline to others', () => {
  expect(presenceOf({ state: 'offline', in_call: true })).toBe('offline');
  expect(presenceOf({ state: 'away', in_call: true })).toBe('in a call');
});

describe('previewOf', () => {
  const message = (more: Partial<wire.Message>) => ({ from: 'me', kind: 'text', ...more }) as wire.Message;
  it.each([
    [message({ text: 'a\n b' }), 'You: a b'],
    [message({ from: 'bob', kind: 'voice', voice: { duration_ms: 6000, waveform: '', bytes: 1 } }), 'Voice message, 6 s'],
    [message({ from: 'bob', kind: 'call', call: { call: 'c', outcome: 'cancelled' } }), 'Missed call'],
  ])('%#', (one, want) => expect(previewOf(one, 'me')).toBe(want));
});

describe('a mailbox', () => {
  const usage = { messages: 3, max_messages: 200_000, bytes: 5 * 2 ** 20, max_bytes: 2 ** 30, voice_ms: 61_000, max_voice_ms: 0, percent: 0 };

  it('says what it holds, with a limit where there is one', () => {
    expect(heldIn(usage).map(({ what, part }) => `${what}: ${part}`)).toEqual(['Messages: 3 of 200,000', 'Space: 5 MB of 1,024 MB', 'Voice messages: 2 min']);
  });

  it.each([
    [89, ''],
    [90, 'Your mailbox is 90 % full.'],
    [100, 'Your mailbox is full.'],
    [101, 'Your mailbox is full.'],
  ])('at %i % says "%s"', (percent, want) => {
    const got = nearlyFull({ ...usage, percent });
    expect(want === '' ? got : got.slice(0, want.length)).toBe(want);
  });
});

describe('browserOf', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', 'Chrome on Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1', 'Safari on iOS'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0', 'Edge on Windows'],
    ['parleyload', 'parleyload'],
    ['', 'Unknown device'],
  ])('%s', (agent, want) => expect(browserOf(agent)).toBe(want));

  it('says until when somebody is not there', () => {
    const now = new Date(2026, 6, 3, 12, 0).getTime();
    const until = new Date(2026, 6, 3, 14, 0).getTime();
    const said = clock(until);
    expect(presenceOf({ state: 'away', until }, now)).toBe(`away until ${said}`);
    expect(presenceOf({ state: 'dnd', until, in_call: true }, now)).toBe('in a call');
    expect(presenceOf({ state: 'away' }, now)).toBe('away');
  });
});
