// A voice note while it is recorded: pure states. What has to be done about
// them is in notes.ts.
//
//	opening ─▶ recording ◀─▶ paused
//
// It ends by being sent, thrown away or stopped; what is left then is a draft.

import type * as wire from './wire';

/** Why a recording paused or ended without being asked to. */
export type Interruption = 'call' | 'hidden' | 'left' | 'limit' | 'microphone' | 'storage';

export interface Note {
  /** '' until there is a draft */
  readonly cid: string;
  readonly to: wire.AccountID;
  readonly phase: 'opening' | 'recording' | 'paused';
  /** a finger or a mouse button is still down since the press that began it: letting go sends */
  readonly held: boolean;
  readonly durationMs: number;
  /** how loud it was, a byte for each 100 ms */
  readonly levels: number[];
  /** why it is paused, if nobody asked for that */
  readonly why?: Interruption | undefined;
}

/** A press shorter than this much sound was no hold: the recording goes on by itself. */
export const leastHeld = 700; // ms

/** Levels are this far apart. */
export const levelEvery = 100; // ms

export function opening(to: wire.AccountID, held: boolean): Note {
  return { cid: '', to, phase: 'opening', held, durationMs: 0, levels: [] };
}

export function opened(note: Note, cid: string): Note {
  return note.phase === 'opening' ? { ...note, cid, phase: 'recording' } : note;
}

/** heard is the note when so much is recorded, and this loud (0 to 1) since the last time. */
export function heard(note: Note, durationMs: number, level: number): Note {
  if (note.phase !== 'recording' || durationMs < note.durationMs) {
    return note;
  }
  const levels = [...note.levels];
  while (levels.length < Math.floor(durationMs / levelEvery)) {
    levels.push(Math.round(level * 255));
  }
  return { ...note, durationMs, levels };
}

/** lock lets the recording go on without being held. */
export function lock(note: Note): Note {
  return note.held ? { ...note, held: false } : note;
}

/** letGo is the note after the button was let go, and whether that sends it. */
export function letGo(note: Note): { note: Note; send: boolean } {
  const send = note.held && note.phase === 'recording' && note.durationMs >= leastHeld;
  return { note: lock(note), send };
}

/** pause is the note at rest, ready to be listened to; one that is paused stays as it is. */
export function pause(note: Note, why?: Interruption): Note {
  return note.phase === 'recording' ? { ...note, phase: 'paused', held: false, why } : lock(note);
}

export function resume(note: Note): Note {
  return note.phase === 'paused' ? { ...note, phase: 'recording', why: undefined } : note;
}
