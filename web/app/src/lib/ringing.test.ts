import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';
import { Ringing } from './ringing';
import type * as wire from './wire';

function ring(call: string, more: Partial<wire.CallRing> = {}): wire.CallRing {
  return { type: 'call.ring', call, from: 'bob', name: 'Bob', intent: 'call', offer: 'sdp', age_ms: 0, lifetime_ms: 30_000, ...more };
}

describe('Ringing', () => {
  let posted: wire.ClientFrame[];
  let stopped: string[];
  let noticeable: boolean;
  let ringing: Ringing;

  beforeEach(() => {
    vi.useFakeTimers();
    posted = [];
    stopped = [];
    noticeable = true;
    ringing = new Ringing({
      post: (frame) => posted.push(frame),
      noticeable: () => noticeable,
      onStopped: (one, reason) => stopped.push(`${one.name} ${reason}`),
    });
  });
  afterEach(() => {
    ringing.close();
    vi.useRealTimers();
  });

  const calls = () => get(ringing.rings).map((one) => one.call);

  it('rings, says so, and ends when its lifetime is over', () => {
    ringing.take(ring('a', { age_ms: 12_000 }));
    expect(posted).toEqual([{ type: 'call.ringing', call: 'a' }]);
    vi.advanceTimersByTime(17_999);
    expect(calls()).toEqual(['a']);
    vi.advanceTimersByTime(1);
    expect(calls()).toEqual([]);
    expect(stopped).toEqual([]);
  });

  it('never rings when it comes too late, or twice for one call', () => {
    ringing.take(ring('late', { age_ms: 30_000 }));
    ringing.take(ring('a'));
    ringing.take(ring('a', { age_ms: 5 }));
    expect(calls()).toEqual(['a']);
    expect(posted).toHaveLength(1);
  });

  it('says that it rings only when somebody could notice', () => {
    noticeable = false;
    ringing.take(ring('a'));
    expect(posted).toEqual([]);
    noticeable = true;
    ringing.noticed();
    ringing.noticed();
    expect(posted).toEqual([{ type: 'call.ringing', call: 'a' }]);
  });

  it('stops with the reason, once', () => {
    ringing.take(ring('a'));
    const stop: wire.CallStop = { type: 'call.stop', call: 'a', reason: 'accepted_elsewhere' };
    ringing.take(stop);
    ringing.take(stop);
    expect(calls()).toEqual([]);
    expect(stopped).toEqual(['Bob accepted_elsewhere']);
  });

  it('says why also when its lifetime was over a moment before', () => {
    ringing.take(ring('a'));
    ringing.take(ring('b'));
    vi.advanceTimersByTime(30_000);
    expect(calls()).toEqual([]);
    ringing.take({ type: 'call.stop', call: 'a', reason: 'no_answer' });
    ringing.take({ type: 'call.stop', call: 'a', reason: 'no_answer' });
    expect(stopped).toEqual(['Bob no_answer']);
    vi.advanceTimersByTime(2_000);
    ringing.take({ type: 'call.stop', call: 'b', reason: 'no_answer' });
    expect(stopped).toHaveLength(1);
  });

  it('stops silently when another tab of this device got the call', () => {
    ringing.take(ring('a'));
    ringing.take({ type: 'call.granted', call: 'a' });
    expect(calls()).toEqual([]);
    expect(stopped).toEqual([]);
  });

  it('stops silently what ended while this page was away', () => {
    ringing.take(ring('a'));
    expect(ringing.held()).toEqual(['a']);
    ringing.take({ type: 'call.ended', call: 'a', reason: 'lost' });
    expect(calls()).toEqual([]);
    expect(ringing.held()).toEqual([]);
    expect(stopped).toEqual([]);
  });

  it('silences here only, and declines for the person with a word', () => {
    ringing.take(ring('a'));
    ringing.silence('a');
    expect(get(ringing.rings)[0]!.silenced).toBe(true);
    expect(posted).toHaveLength(1);
    ringing.decline('a', 'In a meeting');
    expect(posted.at(-1)).toEqual({ type: 'call.decline', call: 'a', text: 'In a meeting' });
    expect(calls()).toEqual([]);
  });
});
