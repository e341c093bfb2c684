// How people, messages and what is left of calls are said to people.

import type { Run } from './callruns';
import { received } from './log';
import type { Interruption } from './note';
import { duration, endOf } from './time';
import type * as wire from './wire';

export const states: Record<wire.State, string> = {
  available: 'available',
  away: 'away',
  dnd: 'do not disturb',
  invisible: 'invisible',
  offline: 'offline',
};

/** presenceOf says a person's state, a call included: "available", "in a call", "away until 14:00". */
export function presenceOf({ state, in_call, until }: { state: wire.State; in_call?: boolean; until?: number }, now = Date.now()): string {
  if (in_call && state !== 'offline') {
    return 'in a call';
  }
  return until ? `${states[state]} until ${endOf(until, now)}` : states[state];
}

/** fullOf says to who writes that the mailbox of somebody takes nothing more. */
export function fullOf(name: string, full: wire.Part): string {
  const why = full === 'messages' ? 'it holds as many messages as it may' : 'there is no space left';
  return `${name}'s mailbox is full: ${why}. What you write cannot be delivered now.`;
}

/** nearlyFull says to its owner that a mailbox takes no more, or soon will; '' if there is room. */
export function nearlyFull(usage: wire.Usage): string {
  if (usage.percent >= 100) {
    return 'Your mailbox is full. People cannot leave you anything more. Delete messages that you no longer need.';
  }
  return usage.percent >= 90 ? `Your mailbox is ${usage.percent} % full. When it is full, people cannot leave you anything more. Delete messages that you no longer need.` : '';
}

/** heldIn says what a mailbox holds, part by part. */
export function heldIn(usage: wire.Usage): { what: string; part: string; percent: number }[] {
  const part = (what: string, held: number, most: number, say: (amount: number) => string) => ({
    what,
    part: most > 0 ? `${say(held)} of ${say(most)}` : say(held),
    percent: most > 0 ? (100 * held) / most : 0,
  });
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toLocaleString('en', { maximumFractionDigits: bytes < 10 * 2 ** 20 ? 1 : 0 })} MB`;
  const minutes = (ms: number) => `${Math.ceil(ms / 60_000).toLocaleString('en')} min`;
  return [
    part('Messages', usage.messages, usage.max_messages, (count) => count.toLocaleString('en')),
    part('Space', usage.bytes, usage.max_bytes, megabytes),
    part('Voice messages', usage.voice_ms, usage.max_voice_ms, minutes),
  ];
}

/** browserOf is what a browser says of itself in a few words: "Chrome on Linux". */
export function browserOf(agent: string): string {
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find([
    [/\bEdg(e|A|iOS)?\//, 'Edge'],
    [/\bOPR\//, 'Opera'],
    [/\b(Firefox|FxiOS)\//, 'Firefox'],
    [/\b(Chrome|Chromium|CriOS|HeadlessChrome)\//, 'Chrome'],
    [/\bSafari\//, 'Safari'],
  ]);
  const system = find([
    [/\bAndroid\b/, 'Android'],
    [/\b(iPhone|iPad)\b/, 'iOS'],
    [/\bMac OS X\b/, 'macOS'],
    [/\bWindows\b/, 'Windows'],
    [/\bLinux\b/, 'Linux'],
  ]);
  return browser ? (system ? `${browser} on ${system}` : browser) : agent.slice(0, 60) || 'Unknown device';
}

/** interruptedOf says why a voice note that is recorded paused. */
export function interruptedOf(why: Interruption | undefined): string {
  switch (why) {
    case 'call':
      return 'Paused for the call';
    case 'hidden':
    case 'left':
      return 'Paused while you were elsewhere';
    default:
      return 'Paused';
  }
}

/** endedOf says why the recording of a voice note has ended. */
export function endedOf(why: Interruption): string {
  switch (why) {
    case 'limit':
      return 'A voice note cannot be longer. Listen to it, then send it.';
    case 'microphone':
      return 'The microphone is gone. What was recorded is kept.';
    case 'storage':
      return 'This browser could store no more of the voice note. Is its disk full? What was recorded before is kept.';
    default:
      return '';
  }
}

/** entryOf is the line that a call leaves in the conversation. */
export function entryOf(entry: wire.CallEntry, mine: boolean): string {
  const [call, Call] = entry.intent === 'text' ? ['private text', 'Private text'] : ['call', 'Call'];
  switch (entry.outcome) {
    case 'answered':
      return `${Call}${lasted(entry)}`;
    case 'lost':
      return `${Call}${lasted(entry)}, connection lost`;
    case 'declined':
      return mine ? 'Declined' : `You declined a ${call}`;
    case 'cancelled':
      return mine ? `${Call} cancelled` : `Missed ${call}`;
    case 'mailbox':
      return mine ? 'Call to the mailbox' : 'Missed call';
    case 'no_answer':
      return mine ? 'No answer' : `Missed ${call}`;
    case 'busy':
      return mine ? 'Busy' : `Missed ${call}, you were in another call`;
    case 'dnd':
      return mine ? 'Do not disturb was on' : `Missed ${call}, do not disturb was on`;
    case 'offline':
      return mine ? 'Was offline' : `Missed ${call}, you were offline`;
    case 'unreachable':
      return mine ? 'Could not be connected' : `Missed ${call}, it could not be connected`;
  }
}

/** runOf says which way a call went and how it came out, or how many alike there were. */
export function runOf({ call, mine, missed, count, message }: Run): string {
  const said = call.outcome === 'answered' && call.intent !== 'text' ? `${mine ? 'Outgoing' : 'Incoming'}${lasted(call)}` : entryOf(call, mine);
  const one = message.voice ? `${said}, voice message left` : said;
  if (count === 1) {
    return one;
  }
  return missed ? `${count} missed ${call.intent === 'text' ? 'private texts' : 'calls'}` : `${one} (${count})`;
}

function lasted({ duration_ms = 0 }: wire.CallEntry): string {
  return duration_ms > 0 ? `, ${duration(Math.max(1000, duration_ms))}` : ''; // "0 s" reads like none
}

/** missed reports whether an entry asks to be called back. */
export function missed(entry: wire.CallEntry, mine: boolean): boolean {
  return !mine && entry.outcome !== 'answered' && entry.outcome !== 'lost' && entry.outcome !== 'declined';
}

/** brokenOff reports whether a call entry is of a conversation that broke off not long ago: there may be more to say. */
export function brokenOff({ call, time }: wire.Message, now: number): boolean {
  return call?.outcome === 'lost' && call.intent !== 'text' && now - time < 86_400_000;
}

/** stepOf is a step of a message's way, in words. */
export function stepOf(step: wire.StepName, mine: boolean): string {
  switch (step) {
    case 'recording':
      return 'Recording began';
    case 'stored':
      return mine ? 'Sent, and stored by the server' : 'Stored by the server';
    case 'delivered':
      return mine ? 'Delivered to a device' : 'Delivered to one of your devices';
    case 'read':
      return 'Read';
    case 'played':
      return 'Played';
    case 'expired':
      return 'Expired: it was not delivered in time';
    case 'removed':
      return 'Removed: it was older than this server keeps messages';
  }
}

/** leftInBin says how long something can be restored: "Deleted for good in 12 days". */
export function leftInBin(binned: number, now: number): string {
  const days = Math.max(0, Math.ceil((binned + 30 * 86_400_000 - now) / 86_400_000));
  return days === 0 ? 'Deleted for good today' : `Deleted for good in ${days === 1 ? '1 day' : `${days} days`}`;
}

/** previewOf is a message in one line, for the list. */
export function previewOf(message: wire.Message, me: wire.AccountID): string {
  const mine = !received(message, me);
  if (message.gone) {
    return mine && message.gone === 'expired' ? `Not delivered: ${(message.text ?? '').replace(/\s+/g, ' ')}` : '';
  }
  if (message.forwarded && message.kind === 'text') {
    return `${mine ? 'You: ' : ''}Forwarded: ${(message.comment || message.text || '').replace(/\s+/g, ' ')}`;
  }
  switch (message.kind) {
    case 'text':
      return (mine ? 'You: ' : '') + (message.text ?? '').replace(/\s+/g, ' ');
    case 'voice':
      return `${message.draft ? 'Not sent: ' : mine ? 'You: ' : ''}Voice message, ${duration(message.voice?.duration_ms ?? 0)}`;
    default:
      return message.call ? entryOf(message.call, mine) : '';
  }
}
