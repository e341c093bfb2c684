import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';
import { People } from './people';
import type { Reply, Request } from './socket';
import type * as wire from './wire';

const self: wire.Self = { type: 'self', account: 'me', device: 'd1', name: 'Me', state: 'available', tell_read: true, tell_played: true, taking: { screen: true, silence_ms: 10_000, shortest_ms: 700 } };
const bob: wire.Person = { account: 'bob', name: 'Bob', relation: 'contact', state: 'available', status: 'here', in_call: true };

describe('People', () => {
  let people: People;
  let told: wire.ClientFrame[];
  let asked: Request[];

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    told = [];
    asked = [];
    people = new People({
      tell: (frame) => told.push(frame) > 0,
      request: (frame) => {
        asked.push(frame);
        return Promise.resolve({ type: 'people', re: '1', people: [bob], more: true } satisfies Reply);
      },
    });
    people.take({ type: 'welcome', self, contacts: [bob] } as unknown as wire.Welcome);
  });
  afterEach(() => {
    people.close();
    vi.useRealTimers();
  });

  const view = () => get(people.all).get('bob');

  it('takes a new view whole: what it leaves out is gone', () => {
    people.take({ type: 'presence', people: [{ account: 'bob', state: 'away' }, { account: 'stranger', state: 'away' }] });
    expect(view()).toEqual({ account: 'bob', name: 'Bob', relation: 'contact', state: 'away' });
    expect(get(people.all).size).toBe(1);
  });

  it('follows relations, also of people who were not there', () => {
    people.take({ type: 'contact', person: { ...bob, relation: 'blocked' } });
    people.take({ type: 'contact', person: { ...bob, account: 'ann', name: 'Ann', relation: 'incoming' } });
    expect(view()?.relation).toBe('blocked');
    expect(people.nameOf('ann')).toBe('Ann');
    expect(people.nameOf('me')).toBe('Me');
    expect(people.nameOf('nobody')).toBe('');
  });

  it('forgets those whom the next welcome does not name', () => {
    people.take({ type: 'welcome', self, contacts: [] } as unknown as wire.Welcome);
    expect(get(people.all).size).toBe(0);
  });

  it('keeps its own device when another one changed the state', () => {
    people.take({ ...self, device: '', state: 'dnd' });
    expect(get(people.self)).toMatchObject({ device: 'd1', state: 'dnd' });
  });

  it('hides the address as any device of the account has chosen', async () => {
    expect(people.hidesAddress()).toBe(false);
    await people.hideAddress(true);
    expect(asked).toEqual([{ type: 'relay.set', only: true }]);
    people.take({ ...self, relay_only: true });
    expect(people.hidesAddress()).toBe(true);
    people.take({ type: 'welcome', self, contacts: [] } as unknown as wire.Welcome);
    expect(people.hidesAddress()).toBe(false);
  });

  it('shows writing for a while after the last notice, and not beyond the message', () => {
    people.take({ type: 'typing.notice', from: 'bob' });
    vi.advanceTimersByTime(4_000);
    people.take({ type: 'typing.notice', from: 'bob' });
    vi.advanceTimersByTime(4_999);
    expect(get(people.typing).has('bob')).toBe(true);
    vi.advanceTimersByTime(1);
    expect(get(people.typing).has('bob')).toBe(false);
    people.take({ type: 'typing.notice', from: 'bob' });
    people.arrived('bob');
    expect(get(people.typing).size).toBe(0);
  });

  it('tells of own writing now and then, to each anew', () => {
    people.writes('bob');
    vi.advanceTimersByTime(2_999);
    people.writes('bob');
    people.writes('ann');
    vi.advanceTimersByTime(3_000);
    people.writes('ann');
    expect(told.map((frame) => (frame as wire.Typing).to)).toEqual(['bob', 'ann', 'ann']);
  });

  it('finds people page by page', async () => {
    expect(await people.find('b', 'alf')).toEqual({ people: [bob], more: true });
    expect(asked).toEqual([{ type: 'directory', query: 'b', after: 'alf', limit: 50 }]);
  });
});
