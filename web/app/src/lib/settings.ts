// Choices of this browser, kept in its local storage.

const relayOnlyKey = 'parley.relayOnly';
const speedKey = 'parley.speed';
const stopKey = 'parley.stopAfterOne';
const silenceKey = 'parley.skipSilence';

/** relayOnly: calls go through the relay always, which hides the own address. */
export function relayOnly(): boolean {
  return localStorage.getItem(relayOnlyKey) === '1';
}

export function setRelayOnly(on: boolean): void {
  keep(relayOnlyKey, on);
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
