// Rules of playing voice messages.

import { received, visible } from './log';
import { levelsOf } from './waveform';
import type * as wire from './wire';

/** A message counts as heard after this much of it, or at its end. */
const heardAfter = 2; // s

/**
 * Heard decides when a message was really heard: by the time that was played,
 * not by where somebody jumped to.
 */
export class Heard {
  private played = 0; // s
  private last: number | undefined;
  private told = false;

  constructor(private readonly onHeard: () => void) {}

  /** at reports the place of playing, in seconds, as often as it changes. */
  at(position: number, playing: boolean): void {
    if (playing && this.last !== undefined) {
      const step = position - this.last;
      if (step > 0 && step < 1) {
        this.played += step; // a longer step is a jump
      }
    }
    this.last = playing ? position : undefined;
    if (this.played >= heardAfter) {
      this.tell();
    }
  }

  /** jumped forgets the last place: what lies between was not played. */
  jumped(): void {
    this.last = undefined;
  }

  /** ended reports that the sound came to its end. */
  ended(): void {
    if (this.played > 0) {
      this.tell();
    }
  }

  private tell(): void {
    if (!this.told) {
      this.told = true;
      this.onHeard();
    }
  }
}

// One message sounds at a time on this page.
let sounding: HTMLMediaElement | undefined;

/** alone pauses whatever else sounds. Called when element begins to play. */
export function alone(element: HTMLMediaElement): void {
  if (sounding !== element) {
    sounding?.pause();
    sounding = element;
  }
}

/** hush pauses what sounds: a call begins or rings. */
export function hush(): void {
  sounding?.pause();
}

/** speeds that can be chosen, the pitch being kept. */
export const speeds = [1, 1.5, 2];

/** faster is the speed after this one, round and round. */
export function faster(speed: number): number {
  return speeds[(speeds.indexOf(speed) + 1) % speeds.length] ?? 1;
}

/** A message that was stopped goes on this much earlier, to find the thread again. */
const rewind = 3; // s

/** beginAt is where playing begins, in seconds, for a message that was stopped at a place. */
export function beginAt(resume: number, length: number): number {
  const at = resume - rewind;
  return at > 0 && resume < length - 1 ? at : 0;
}

/**
 * nextUnheard is what is played behind a message of a conversation: the next
 * voice message that was not heard. Own ones and calls are passed over; a text
 * ends it, for it is to be read.
 */
export function nextUnheard(behind: wire.Message[], me: wire.AccountID): wire.Message | undefined {
  for (const message of behind) {
    if (message.kind === 'text' && visible(message, me)) {
      return undefined;
    }
    if (message.voice && !message.played && received(message, me) && visible(message, me)) {
      return message;
    }
  }
  return undefined;
}

/** Silence is a stretch of a message in which nothing is said, in seconds. */
export interface Silence {
  from: number;
  to: number;
}

/** Bars below this, about -50 dBov, are silent: as the server has it when it listens for an end. */
const silentBelow = 42;
/** A pause is left where something is said before and behind it. */
const pause = 0.3; // s
/** What is shorter is a pause of speech. */
const shortest = 1.2; // s

/** silences finds the stretches that can be jumped over, by the picture of the recording. */
export function silences(waveform: string, length: number): Silence[] {
  const levels = levelsOf(waveform);
  const bar = length / levels.length;
  const found: Silence[] = [];
  let from = -1;
  for (let at = 0; at <= levels.length; at++) {
    const silent = at < levels.length && levels[at]! < silentBelow;
    if (silent && from < 0) {
      from = at;
    } else if (!silent && from >= 0) {
      if ((at - from) * bar >= shortest) {
        found.push({ from: from * bar + pause, to: at * bar - pause });
      }
      from = -1;
    }
  }
  return found;
}

/** behindSilence is where to go on from a place, if that is within a silence. */
export function behindSilence(all: Silence[], at: number): number | undefined {
  return all.find(({ from, to }) => at >= from && at < to - 0.2)?.to;
}
