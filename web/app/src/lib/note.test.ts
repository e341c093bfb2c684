import { describe, expect, it } from 'vitest';
import { heard, letGo, lock, opened, opening, pause, resume, type Note } from './note';
import { slide } from './slide';

const recording = (held: boolean, durationMs = 0): Note => heard(opened(opening('bob', held), 'c1'), durationMs, 0.5);

describe('a note', () => {
  it('records from when the microphone is open, by press or while held', () => {
    expect(opening('bob', true)).toMatchObject({ to: 'bob', phase: 'opening', held: true, cid: '' });
    expect(recording(false)).toMatchObject({ phase: 'recording', cid: 'c1' });
  });

  it('is sent by letting go of what was held, and goes on after a mere press', () => {
    expect(letGo(recording(true, 700)).send).toBe(true);
    expect(letGo(recording(true, 600))).toMatchObject({ send: false, note: { phase: 'recording', held: false } });
    expect(letGo(opening('bob', true))).toMatchObject({ send: false, note: { phase: 'opening', held: false } }); // a question came up
    expect(letGo(recording(false, 5_000)).send).toBe(false);
  });

  it('once locked, is not sent by letting go', () => {
    expect(letGo(lock(recording(true, 5_000))).send).toBe(false);
  });

  it('takes a level for each 100 ms, also when told late', () => {
    const note = heard(heard(recording(false), 120, 1), 430, 0.2);
    expect(note.levels).toEqual([255, 51, 51, 51]);
    expect(note.durationMs).toBe(430);
    expect(heard(note, 400, 1)).toBe(note);
  });

  it('pauses and goes on, and says what interrupted it', () => {
    const paused = pause(recording(true, 900), 'call');
    expect(paused).toMatchObject({ phase: 'paused', held: false, why: 'call', durationMs: 900 });
    expect(heard(paused, 2_000, 1)).toBe(paused);
    expect(pause(paused, 'hidden').why).toBe('call');
    expect(letGo(paused).send).toBe(false);
    expect(resume(paused)).toMatchObject({ phase: 'recording', why: undefined });
  });

  it('is not paused before it records', () => {
    expect(pause(opening('bob', true), 'hidden')).toMatchObject({ phase: 'opening', held: false });
    expect(resume(opening('bob', false)).phase).toBe('opening');
  });
});

describe('a slide', () => {
  it('cancels to the left and locks upwards, whichever goes further', () => {
    expect(slide(-55, -10)).toEqual({ cancel: 0.5, lock: 0 });
    expect(slide(-200, -20)).toEqual({ cancel: 1, lock: 0 });
    expect(slide(-10, -70)).toEqual({ cancel: 0, lock: 1 });
    expect(slide(80, 80)).toEqual({ cancel: 0, lock: 0 });
  });
});
