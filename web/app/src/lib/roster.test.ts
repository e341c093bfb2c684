import { describe, expect, it } from 'vitest';
import { initials, labelOf, roster } from './roster';
import type * as wire from './wire';

function person(account: string, more: Partial<wire.Person> = {}): [string, wire.Person] {
  return [account, { account, name: account, relation: 'contact', state: 'available', ...more }];
}

function conversation(other: string, time: number, unread = 0): wire.Conversation {
  const last = { time } as wire.Message;
  return { conv: `c-${other}`, with: other, name: other, head: 1, read: 0, unread, their_read: 0, their_delivered: 0, last };
}

describe('roster', () => {
  it('puts the latest conversations first, then contacts by name', () => {
    const people = new Map([person('zoe'), person('ann'), person('bob'), person('carl')]);
    const entries = roster(people, [conversation('bob', 1), conversation('zoe', 2)]);
    expect(entries.map((entry) => entry.account)).toEqual(['zoe', 'bob', 'ann', 'carl']);
  });

  it('keeps a conversation with somebody who is no contact any more', () => {
    expect(roster(new Map(), [conversation('bob', 1)]).map((entry) => entry.name)).toEqual(['bob']);
  });

  it('leaves out requests and blocked people', () => {
    const people = new Map([person('in', { relation: 'incoming' }), person('out', { relation: 'requested' }), person('no', { relation: 'blocked' })]);
    expect(roster(people, [])).toEqual([]);
  });
});

describe('labelOf', () => {
  const label = (more: Partial<wire.Person>, unread = 0) => labelOf(roster(new Map([person('bob', more)]), unread ? [conversation('bob', 1, unread)] : [])[0]!);

  it('says name, state and unread count', () => {
    expect(label({}, 2)).toBe('bob, available, 2 unread');
    expect(label({ state: 'dnd' })).toBe('bob, do not disturb');
    expect(label({ in_call: true })).toBe('bob, in a call');
    expect(label({ state: 'offline', in_call: true })).toBe('bob, offline');
  });

  it('says nothing of the presence of a stranger', () => {
    expect(label({ relation: 'stranger', state: 'offline' }, 1)).toBe('bob, 1 unread');
  });
});

it.each([
  ['bob', 'B'],
  ['Ann Lee', 'AL'],
  ['ann.van-der berg', 'AB'],
  ['  ', '?'],
  ['🙂x', '🙂'],
])('initials of %j are %s', (name, want) => expect(initials(name)).toBe(want));
