import { describe, expect, it } from 'vitest';
import { Heard, alone, faster, hush } from './playback';

describe('Heard', () => {
  function heard() {
    let times = 0;
    return { rule: new Heard(() => times++), times: () => times };
  }

  it('tells once, after a second was really played', () => {
    const { rule, times } = heard();
    for (let at = 0; at < 0.99; at += 0.25) rule.at(at, true);
    expect(times()).toBe(0);
    for (let at = 1; at < 3; at += 0.25) rule.at(at, true);
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
