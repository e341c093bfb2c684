import { describe, expect, it } from 'vitest';
import { Heard, alone, beginAt, behindSilence, faster, hush, nextUnheard, silences } from './playback';
import type * as wire from './wire';

describe('Heard', () => {
  function heard() {
    let times = 0;
    return { rule: new Heard(() => times++), times: () => times };
  }

  it('tells once, after some seconds were really played', () => {
    const { rule, times } = heard();
    for (let at = 0; at < 1.99; at += 0.25) rule.at(at, true);
    expect(times()).toBe(0);
    for (let at = 2; at < 4; at += 0.25) rule.at(at, true);
    expect(times()).toBe(1);
  });

  it('does not count what was jumped over or paused', () => {
    const { rule, times } = heard();
    rule.at(0, true);
    rule.at(0.2, true);
    rule.jumped();
    rule.at(50, true);
    rule.at(50.2, false);
    rule.at(50.4, true);
    rule.at(90, true);
    expect(times()).toBe(0);
  });

  it('counts a short message that was played to its end', () => {
    const { rule, times } = heard();
    rule.ended();
    expect(times()).toBe(0);
    rule.at(0, true);
    rule.at(0.3, true);
    rule.ended();
    expect(times()).toBe(1);
  });
});

it('plays one message at a time', () => {
  const element = () => ({ paused: 0, pause() { this.paused++; } });
  const [a, b] = [element(), element()];
  alone(a as never);
  alone(a as never);
  alone(b as never);
  expect([a.paused, b.paused]).toEqual([1, 0]);
  hush();
  expect(b.paused).toBe(1);
});

it('goes round the speeds, also from one that is not known', () => {
  expect([1, 1.5, 2, 7].map(faster)).toEqual([1.5, 2, 1, 1]);
});

describe('nextUnheard', () => {
  const voice = (mid: string, from: string, more: object = {}) =>
    ({ mid, conv: 'c', seq: 1, with: 'bob', from, kind: 'voice', time: 1, voice: { duration_ms: 1000, waveform: '', bytes: 1 }, ...more }) as wire.Message;
  const text = { mid: 't', conv: 'c', seq: 2, with: 'bob', from: 'bob', kind: 'text', text: 'hi', time: 1 } as wire.Message;

  it('passes over own and heard ones, and what is in the bin', () => {
    const behind = [voice('a', 'me'), voice('b', 'bob', { played: true }), voice('c', 'bob', { folder: 'bin' }), voice('d', 'bob')];
    expect(nextUnheard(behind, 'me')?.mid).toBe('d');
  });

  it('stops at a text, but not at one that is gone', () => {
    expect(nextUnheard([text, voice('d', 'bob')], 'me')).toBeUndefined();
    expect(nextUnheard([{ ...text, gone: 'hidden' }, voice('d', 'bob')], 'me')?.mid).toBe('d');
  });
});

describe('beginAt', () => {
  it('goes on a little earlier, and at the beginning where little is left or heard', () => {
    expect(beginAt(20, 60)).toBe(17);
    expect(beginAt(2, 60)).toBe(0);
    expect(beginAt(59.5, 60)).toBe(0);
  });
});

describe('silences', () => {
  const of = (...levels: number[]) => btoa(String.fromCharCode(...levels));

  it('finds long pauses and leaves a little of them', () => {
    expect(silences(of(200, 10, 10, 200, 10, 200), 6)).toEqual([{ from: 1.3, to: 2.7 }]);
    expect(silences('nonsense!', 6)).toEqual([]);
  });

  it('goes on behind one, and only from within', () => {
    const all = [{ from: 1.3, to: 2.7 }];
    expect(behindSilence(all, 1.2)).toBeUndefined();
    expect(behindSilence(all, 1.5)).toBe(2.7);
    expect(behindSilence(all, 2.6)).toBeUndefined();
  });
});
