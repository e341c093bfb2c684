// How long to wait before the next attempt to connect.

const first = 250; // ms
const factor = 1.7;
const cap = 20_000; // ms

/**
 * delay is the pause before an attempt, in ms: exponential with full jitter,
 * so that many clients of one restarted server do not come back at once.
 * `attempt` counts from 0; `floor` is the least that the server asked for.
 */
export function delay(attempt: number, random: () => number, floor = 0): number {
  const ceiling = Math.min(cap, first * factor ** attempt);
  return floor + random() * ceiling;
}
