// Choices of this browser, kept in its local storage.

const relayOnlyKey = 'parley.relayOnly';
const speedKey = 'parley.speed';

/** relayOnly: calls go through the relay always, which hides the own address. */
export function relayOnly(): boolean {
  return localStorage.getItem(relayOnlyKey) === '1';
}

export function setRelayOnly(on: boolean): void {
  if (on) {
    localStorage.setItem(relayOnlyKey, '1');
  } else {
    localStorage.removeItem(relayOnlyKey);
  }
}

/** speed is how fast voice messages are played. */
export function speed(): number {
  return Number(localStorage.getItem(speedKey)) || 1;
}

export function setSpeed(value: number): void {
  localStorage.setItem(speedKey, String(value));
}
