// Choices of this browser, kept in its local storage.

import { derived, writable, type Readable } from 'svelte/store';

const relayOnlyKey = 'parley.relayOnly';
const speedKey = 'parley.speed';
const stopKey = 'parley.stopAfterOne';
const silenceKey = 'parley.skipSilence';

/** relayOnlyHere: what this browser chose before that was a choice of the account. */
export function relayOnlyHere(): boolean {
  return localStorage.getItem(relayOnlyKey) === '1';
}

export function forgetRelayOnly(): void {
  localStorage.removeItem(relayOnlyKey);
}

/** autoNext: behind a voice message the next one that was not heard is played. */
export function autoNext(): boolean {
  return localStorage.getItem(stopKey) !== '1';
}

export function setAutoNext(on: boolean): void {
  keep(stopKey, !on);
}

/** skipSilence: pauses in voice messages are jumped over. */
export function skipSilence(): boolean {
  return localStorage.getItem(silenceKey) === '1';
}

export function setSkipSilence(on: boolean): void {
  keep(silenceKey, on);
}

function keep(key: string, set: boolean): void {
  if (set) {
    localStorage.setItem(key, '1');
  } else {
    localStorage.removeItem(key);
  }
}

/** speed is how fast voice messages are played. */
export function speed(): number {
  return Number(localStorage.getItem(speedKey)) || 1;
}

export function setSpeed(value: number): void {
  localStorage.setItem(speedKey, String(value));
}

const soundKey = 'parley.sound';
const typingKey = 'parley.typing';

/** Sound is with which devices one calls, and what is done to the microphone's sound. */
export interface Sound {
  /** device ids; empty: as the system chooses */
  microphone: string;
  speaker: string;
  camera: string;
  /** echo cancellation, noise suppression, automatic gain */
  echo: boolean;
  noise: boolean;
  gain: boolean;
}

const usual: Sound = { microphone: '', speaker: '', camera: '', echo: true, noise: true, gain: true };
const chosen = writable(usual);

/** speaker follows the choice: it changes while one listens. */
export const speaker: Readable<string> = derived(chosen, (sound) => sound.speaker);

export function sound(): Sound {
  try {
    const kept = { ...usual, ...(JSON.parse(localStorage.getItem(soundKey) ?? '{}') as Partial<Sound>) };
    chosen.set(kept);
    return kept;
  } catch {
    return usual;
  }
}

export function setSound(value: Sound): void {
  localStorage.setItem(soundKey, JSON.stringify(value));
  chosen.set(value);
}

/** typing: private lines are shown while they are typed. */
export function typing(): boolean {
  return localStorage.getItem(typingKey) !== '0';
}

export function setTyping(on: boolean): void {
  localStorage.setItem(typingKey, on ? '1' : '0');
}
