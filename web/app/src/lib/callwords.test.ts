import { describe, expect, it } from 'vitest';
import { outgoing, over, type Call } from './call';
import { diversionOf, progressOf, reachOf, stoppedOf } from './callwords';
import { clock } from './time';
import type * as wire from './wire';

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

it('says of whose mailbox takes nothing what it is full of', () => {
  const call = (full: wire.Part) => over({ ...diverted('offline', false), diversion: { outcome: 'offline', text: '', mailbox: false, mayListen: false, full } }, 'offline');
  expect(progressOf(call('voice'))).toMatch(/no time left for voice messages.*write instead/);
  expect(progressOf(call('messages'))).toMatch(/mailbox is full\.$/);
});

it('never says "missed" of a call that was answered elsewhere', () => {
  expect(stoppedOf('Bob', 'accepted_elsewhere')).not.toMatch(/issed/);
  expect(stoppedOf('Bob', 'cancelled')).toBe('Missed call from Bob');
});

it('says what a call would come to, and why if that is not seen already', () => {
  const now = new Date(2026, 6, 3, 12, 0).getTime();
  const until = new Date(2026, 6, 3, 14, 0).getTime();
  const said = clock(until);
  const reach: wire.Reachable = { type: 'reachable', re: '1', account: 'bob', way: 'will_go_to_mailbox', outcome: 'dnd' };
  expect(reachOf({ ...reach, until }, undefined, now)).toBe(`calls go to the mailbox (do not disturb until ${said})`);
  expect(reachOf(reach)).toBe('calls go to the mailbox (do not disturb)');
  // What is seen already is not said again.
  expect(reachOf({ ...reach, until }, { state: 'dnd' }, now)).toBe('calls go to the mailbox');
  expect(reachOf({ ...reach, outcome: 'offline' }, { state: 'offline' })).toBe('calls go to the mailbox');
  expect(reachOf({ ...reach, outcome: 'busy' }, { state: 'dnd', in_call: true })).toBe('calls go to the mailbox');
  expect(reachOf({ ...reach, outcome: 'busy' }, { state: 'available' })).toBe('calls go to the mailbox (in another call)');
});
