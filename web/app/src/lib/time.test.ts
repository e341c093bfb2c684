import { describe, expect, it } from 'vitest';
import { clock, counter, date, dayLabel, duration, endOf, nextAt, sameDay, shortWhen } from './time';

describe('duration', () => {
  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [48_400, '48 s'],
    [59_600, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [3_780_000, '1 h 3 min'],
  ])('%d ms is %s', (ms, want) => expect(duration(ms)).toBe(want));
});

describe('counter', () => {
  it.each([
    [0, '0:00'],
    [7_999, '0:07'],
    [750_000, '12:30'],
    [3_723_000, '1:02:03'],
  ])('%d ms is %s', (ms, want) => expect(counter(ms)).toBe(want));
});

describe('days', () => {
  const now = new Date(2026, 6, 3, 14, 5).getTime();

  it('names days near and far', () => {
    expect(dayLabel(now, now)).toBe('Today');
    expect(dayLabel(new Date(2026, 6, 2, 23, 59).getTime(), now)).toBe('Yesterday');
    expect(dayLabel(new Date(2026, 5, 26).getTime(), now, 'en-GB')).toMatch(/^Friday,? 26 June$/);
    expect(dayLabel(new Date(2025, 5, 27).getTime(), now, 'en-GB')).toContain('2025');
  });

  it('is short in lists', () => {
    expect(shortWhen(now, now, 'en-GB')).toBe('14:05');
    expect(shortWhen(new Date(2026, 6, 2).getTime(), now, 'en-GB')).toBe('Yesterday');
    expect(shortWhen(new Date(2026, 5, 29).getTime(), now, 'en-GB')).toBe('Mon');
    expect(shortWhen(new Date(2026, 5, 3).getTime(), now, 'en-GB')).toBe('3 Jun');
  });

  it('shows a clock that runs ahead as today, not as tomorrow', () => {
    const ahead = new Date(2026, 6, 4, 9, 1).getTime();
    expect(shortWhen(ahead, now, 'en-GB')).toMatch(/^0?9:01$/);
    expect(dayLabel(ahead, now)).toBe('Today');
  });

  it('names a day to come', () => {
    expect(date(new Date(2026, 6, 10).getTime(), 'en-GB')).toBe('10 July 2026');
  });

  it('says when something ends, and when a time of day is next', () => {
    const tomorrow = new Date(2026, 6, 4, 8, 0).getTime();
    expect(endOf(now + 3_600_000, now, 'en-GB')).toBe('15:05');
    expect(endOf(tomorrow, now, 'en-GB')).toMatch(/^tomorrow, 0?8:00$/);
    expect(endOf(new Date(2026, 6, 9, 8, 0).getTime(), now, 'en-GB')).toMatch(/^9 Jul, 0?8:00$/);
    expect(nextAt('14:06', now) - now).toBeLessThanOrEqual(60_000);
    expect(nextAt('08:00', now)).toBe(tomorrow);
    expect(nextAt('', now)).toBeNaN();
  });

  it('splits at local midnight', () => {
    expect(sameDay(new Date(2026, 6, 3, 0, 0).getTime(), now)).toBe(true);
    expect(sameDay(new Date(2026, 6, 2, 23, 59).getTime(), now)).toBe(false);
    expect(clock(now, 'en-GB')).toBe('14:05');
  });
});
