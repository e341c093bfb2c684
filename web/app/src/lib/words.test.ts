import { describe, expect, it } from 'vitest';
import { outgoing, over, type Call } from './call';
import { clock } from './time';
import type * as wire from './wire';
import { browserOf, diversionOf, entryOf, heldIn, missed, nearlyFull, presenceOf, previewOf, progressOf, reachOf, runOf, stoppedOf } from './words';

const base = { ...outgoing('c', 'bob', 'Bob', 'call'), phase: 'calling' } as Call;
const diverted = (outcome: wire.Outcome, mailbox = true, text = ''): Call => ({ ...base, phase: 'diverted', diversion: { outcome, mailbox, text, mayListen: false } });

describe('progressOf', () => {
  it.each([
    ['offline', 'Bob is offline'],
    ['no_answer', 'No answer'],
    ['declined', 'Bob declined'],
    ['busy', 'Bob is in another call'],
    ['dnd', 'Bob does not want to be disturbed'],
    ['unreachable', 'No audio connection to Bob could be made'],
    ['mailbox', 'Leaving a message for Bob'],
  ] as const)('says %s', (outcome, want) => expect(progressOf(diverted(outcome))).toBe(want));

  it('says that and until when somebody is not to be disturbed, and what can be done about a call that broke off', () => {
    const until = new Date(2026, 6, 3, 14, 0).getTime();
    const dnd = diverted('dnd');
    expect(diversionOf({ ...dnd, diversion: { ...dnd.diversion!, until } }, until - 3_600_000)).toBe(`Bob does not want to be disturbed until ${clock(until)}`);
    const lost = diverted('lost');
    expect(progressOf(lost)).toBe('The call with Bob broke off');
    expect(progressOf({ ...lost, diversion: { ...lost.diversion!, asks: true } })).toMatch(/rest as a message$/);
  });

  it.each([
    [{ holding: true }, /^On hold/],
    [{ theirHolding: true }, /^Bob has put you on hold$/],
  ])('says who is on hold: %j', (more, want) => expect(progressOf({ ...base, phase: 'active', ...more })).toMatch(want));

  it("says a decliner's own words", () => {
    expect(progressOf(diverted('declined', true, 'In a meeting'))).toBe('Bob declined: In a meeting');
  });

  it('says that nothing can be left, and what to do instead', () => {
    expect(progressOf(over(diverted('offline', false), 'offline'))).toMatch(/^Bob is offline\. .*write instead/);
  });

  it('says that nothing was left after a greeting', () => {
    expect(progressOf(over(diverted('no_answer'), 'no_answer'))).toBe('No answer. No message left');
  });

  it.each([
    ['hangup', 65_000, 'Call ended, 1 min 5 s'],
    ['message_left', 0, 'Message left for Bob'],
    ['too_short', 0, 'Too short: nothing was sent'],
    ['storage_failed', 12_000, 'The server could not store more: Bob gets what you said until then'],
    ['storage_failed', 0, 'The server could not store what you said. Write instead, or try again later'],
    ['accepted_elsewhere', 0, 'Answered on another device'],
  ] as const)('says the end by %s', (reason, ms, want) => expect(progressOf(over(base, reason, ms))).toBe(want));
});

it.each([
  ['recording', 'Say something'],
  ['playback', 'This is how others hear you'],
] as const)('guides through a sound test: %s', (phase, want) => expect(progressOf({ ...base, intent: 'echo', phase })).toBe(want));

it.each([
  ['played_back', /is over$/],
  ['too_short', /^Nothing was heard/],
  ['lost', /Calls may fail/],
  ['failed', /right now$/],
] as const)('says how a sound test came out: %s', (reason, want) => expect(progressOf(over({ ...base, intent: 'echo' }, reason))).toMatch(want));

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

it('never says "missed" of a call that was answered elsewhere', () => {
  expect(stoppedOf('Bob', 'accepted_elsewhere')).not.toMatch(/issed/);
  expect(stoppedOf('Bob', 'cancelled')).toBe('Missed call from Bob');
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

  it('says of whose mailbox takes nothing what it is full of', () => {
    const call = (full: wire.Part) => over({ ...diverted('offline', false), diversion: { outcome: 'offline', text: '', mailbox: false, mayListen: false, full } }, 'offline');
    expect(progressOf(call('voice'))).toMatch(/no time left for voice messages.*write instead/);
    expect(progressOf(call('messages'))).toMatch(/mailbox is full\.$/);
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
    const reach: wire.Reachable = { type: 'reachable', re: '1', account: 'bob', way: 'will_go_to_mailbox', outcome: 'dnd' };
    expect(reachOf({ ...reach, until }, undefined, now)).toBe(`calls go to the mailbox (do not disturb until ${said})`);
    expect(reachOf(reach)).toBe('calls go to the mailbox (do not disturb)');
    // What is seen already is not said again.
    expect(reachOf({ ...reach, until }, { state: 'dnd' }, now)).toBe('calls go to the mailbox');
    expect(reachOf({ ...reach, outcome: 'offline' }, { state: 'offline' })).toBe('calls go to the mailbox');
    expect(reachOf({ ...reach, outcome: 'busy' }, { state: 'dnd', in_call: true })).toBe('calls go to the mailbox');
    expect(reachOf({ ...reach, outcome: 'busy' }, { state: 'available' })).toBe('calls go to the mailbox (in another call)');
  });
});
