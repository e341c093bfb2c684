// How greetings are said to their owner.

import type { Greeting, GreetReason } from './api';
import { newID } from './id';
import { clock, date, duration, sameDay } from './time';

/** Reasons in the order of showing them, with their names. */
export const reasons: { reason: GreetReason; name: string; when: string }[] = [
  { reason: 'any', name: 'Standard', when: 'whenever nothing below fits, and for who leaves a message without calling' },
  { reason: 'no_answer', name: 'No answer', when: 'when you do not answer or decline' },
  { reason: 'busy', name: 'In a call', when: 'when you are in another call' },
  { reason: 'dnd', name: 'Do not disturb', when: 'when you do not want to be disturbed' },
  { reason: 'offline', name: 'Offline', when: 'when you are offline or invisible' },
];

/** MaxText is the longest text of a greeting, in characters. */
export const MaxText = 500;

/** MaxSound is the longest sound of a greeting, in ms. */
export const MaxSound = 60_000;

export function fresh(reason: GreetReason, id: string = newID()): Greeting {
  return { id, reason, text: '', for: [], durationMs: 0 };
}

/** empty reports whether callers would hear and read nothing: such a greeting does not count. */
export function empty({ text, durationMs }: Greeting): boolean {
  return text.trim() === '' && durationMs === 0;
}

export function expired({ until }: Greeting, now: number): boolean {
  return until !== undefined && until <= now;
}

/** boundsOf says for whom and how long a greeting is; '' for everybody and for ever. */
export function boundsOf(greeting: Greeting, nameOf: (account: string) => string, now: number): string {
  const parts: string[] = [];
  if (greeting.for.length > 0) {
    parts.push(`for ${greeting.for.map(nameOf).join(', ')}`);
  }
  if (greeting.until !== undefined) {
    const at = sameDay(greeting.until, now) ? clock(greeting.until) : `${date(greeting.until)}, ${clock(greeting.until)}`;
    parts.push(expired(greeting, now) ? `ended ${at}` : `until ${at}`);
  }
  return parts.join(' · ');
}

/** contentOf says in a line what callers get. */
export function contentOf(greeting: Greeting | undefined): string {
  if (greeting === undefined) {
    return 'The greeting of this server, spoken';
  }
  if (greeting.durationMs > 0) {
    const recording = `Recording, ${duration(greeting.durationMs)}`;
    return greeting.text ? `${recording}: ${greeting.text}` : recording;
  }
  return greeting.text || 'Nothing in it yet';
}

/** localTime is a time as an input of type datetime-local has it, and '' is none. */
export function localTime(at: number | undefined): string {
  if (at === undefined) {
    return '';
  }
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** fromLocal is the time of such an input, or none. */
export function fromLocal(value: string): number | undefined {
  const at = new Date(value).getTime();
  return value === '' || Number.isNaN(at) ? undefined : at;
}
