// How calls, states and outcomes are said to people.

import type { Call } from './call';
import type { Run } from './callruns';
import { received } from './log';
import type { Interruption } from './note';
import type { Condition, Trouble } from './quality';
import type { Screen } from './screening';
import { duration, endOf } from './time';
import type * as wire from './wire';

export const states: Record<wire.State, string> = {
  available: 'available',
  away: 'away',
  dnd: 'do not disturb',
  invisible: 'invisible',
  offline: 'offline',
};

/** troubleSaid says what is bad about a connection, and on whose side. */
export function troubleSaid(trouble: Exclude<Trouble, null>, name: string): string {
  switch (trouble) {
    case 'here':
      return `Part of what ${name} says is lost on its way to you.`;
    case 'there':
      return `Part of what you say is lost on its way to ${name}.`;
    case 'both':
      return 'The connection is bad in both directions.';
    case 'slow':
      return 'The connection is slow: what is said arrives late.';
  }
}

/** holdToTalk says how one who is muted is heard for a moment. */
export function holdToTalk(touch: boolean): string {
  return touch ? 'Hold the mute button to talk.' : 'Hold the space bar to talk.';
}

/** pathSaid says which way a call takes. */
export function pathSaid({ relayed, own, theirs, protocol }: Condition): string {
  return own ? `${relayed ? 'Through the relay' : 'Direct'}, ${protocol.toUpperCase()} (${own} to ${theirs})` : 'Not connected';
}

/** presenceOf says a person's state, a call included: "available", "in a call", "away until 14:00". */
export function presenceOf({ state, in_call, until }: { state: wire.State; in_call?: boolean; until?: number }, now = Date.now()): string {
  if (in_call && state !== 'offline') {
    return 'in a call';
  }
  return until ? `${states[state]} until ${endOf(until, now)}` : states[state];
}

/** diversionOf says why nobody answered. */
export function diversionOf(call: Call, now = Date.now()): string {
  const { name } = call;
  const { outcome, text, until, asks } = call.diversion!;
  switch (outcome) {
    case 'offline':
      return `${name} is offline`;
    case 'no_answer':
      return 'No answer';
    case 'declined':
      return text ? `${name} declined: ${text}` : `${name} declined`;
    case 'busy':
      return `${name} is in another call`;
    case 'dnd':
      return `${name} does not want to be disturbed${until ? ` until ${endOf(until, now)}` : ''}`;
    case 'lost':
      return asks ? `The call with ${name} broke off. You can say the rest as a message` : `The call with ${name} broke off`;
    case 'unreachable':
      return `No ${call.intent === 'text' ? '' : 'audio '}connection to ${name} could be made`;
    default:
      return `Leaving a message for ${name}`;
  }
}

/** noMailbox says why no voice message can be left, and what can be done. */
export function noMailbox(full: wire.Part | undefined): string {
  switch (full) {
    case 'voice':
      return 'Their mailbox has no time left for voice messages. You can write instead.';
    case 'messages':
    case 'bytes':
      return 'Their mailbox is full.';
    default:
      return 'A voice message cannot be left right now. You can write instead.';
  }
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

/** progressOf says how a call stands, for the call bar and for screen readers. */
export function progressOf(call: Call): string {
  switch (call.phase) {
    case 'preparing':
      return call.intent === 'text' ? 'Connecting…' : 'Opening the microphone…';
    case 'calling':
      return call.intent === 'call' || call.intent === 'text' ? 'Calling…' : 'Connecting…';
    case 'ringing':
      return call.waiting ? `${call.name} is in another call. Ringing quietly…` : 'Ringing…';
    case 'connecting':
      return 'Connecting…';
    case 'active':
      if (call.holding) {
        return 'On hold: you neither hear nor are heard';
      }
      if (call.theirHolding && !call.interrupted) {
        return `${call.name} has put you on hold`;
      }
      if (!call.interrupted) {
        return call.intent === 'text' ? 'Writing privately' : 'In a call'; // the sound goes on, with or without the server
      }
      return call.theirLineLost ? `${call.name} has lost the connection. Waiting…` : 'The connection broke off. Restoring it…';
    case 'diverted':
      return diversionOf(call);
    case 'greeting':
      return `${diversionOf(call)}. Speak after the tone.`;
    case 'recording':
      if (call.intent === 'echo') {
        return 'Say something';
      }
      return call.intent === 'call' ? `${diversionOf(call)}. Recording your message` : 'Recording';
    case 'playback':
      return 'This is how others hear you';
    case 'paused':
      return 'Paused: nothing is recorded';
    case 'review':
      return 'Recorded, not sent yet';
    case 'ending':
      return call.recording && call.intent !== 'echo' ? 'Sending…' : 'Ending…';
    case 'over':
      return outcomeOf(call);
  }
}

/** screenSaid says how a message stands that is being left. */
export function screenSaid(screen: Pick<Screen, 'phase'>): string {
  switch (screen.phase) {
    case 'greeting':
      return 'hears your greeting';
    case 'recording':
      return 'is leaving you a message';
    case 'paused':
      return 'has paused a message to you';
    case 'review':
      return 'listens to a message before sending it';
  }
}

/** draftKept says what has become of what was said before somebody picked up. */
export function draftKept(name: string): string {
  return `What you said before ${name} picked up is kept, and was not sent.`;
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

/** outcomeOf says how a call ended. */
function outcomeOf(call: Call): string {
  const { reason, durationMs } = call.end!;
  if (call.intent === 'echo') {
    return tested(reason);
  }
  if (call.diversion && !call.diversion.mailbox) {
    return `${diversionOf(call)}. ${call.intent === 'text' ? 'You can write a message instead.' : noMailbox(call.diversion.full)}`;
  }
  switch (reason) {
    case 'hangup':
      return durationMs > 0 ? `Call ended, ${duration(durationMs)}` : 'Call ended';
    case 'cancelled':
      return 'Call cancelled';
    case 'accepted_elsewhere':
      return 'Answered on another device';
    case 'declined_elsewhere':
      return 'Declined on another device';
    case 'declined':
    case 'no_answer':
    case 'busy':
    case 'dnd':
    case 'offline':
    case 'diverted':
      return call.diversion ? `${diversionOf(call)}. No message left` : 'Call ended';
    case 'unreachable':
      return call.intent === 'text' ? 'No connection could be made' : 'No audio connection could be made';
    case 'played_back':
      return 'The sound test is over';
    case 'max_duration':
      return 'The call was ended: it had lasted for as long as calls may';
    case 'lost':
      return 'The connection was lost';
    case 'message_left':
      if (call.incoming) {
        return 'Too late: the message was left, and is in your mailbox';
      }
      return `Message left for ${call.name}`;
    case 'discarded':
      return 'Discarded, nothing was sent';
    case 'too_short':
      return 'Too short: nothing was sent';
    case 'failed':
      return 'The server could not take the message';
    case 'storage_failed':
      return durationMs > 0
        ? `The server could not store more: ${call.name} gets what you said until then`
        : 'The server could not store what you said. Write instead, or try again later';
  }
}

/** tested says how a sound test came out. */
function tested(reason: wire.Reason): string {
  switch (reason) {
    case 'played_back':
    case 'hangup':
      return 'The sound test is over';
    case 'too_short':
      return 'Nothing was heard. Is it the right microphone, and is it on?';
    case 'unreachable':
    case 'lost':
      return 'The server could not be heard or did not hear you. Calls may fail on this network';
    default:
      return 'The sound could not be tested right now';
  }
}

/** reachOf says what a call to somebody would come to, and why if what is seen of them does not say it; '' if it would simply ring. */
export function reachOf({ way, outcome, until, full }: wire.Reachable, seen?: { state: wire.State; in_call?: boolean }, now = Date.now()): string {
  const end = until ? ` until ${endOf(until, now)}` : '';
  const known = seen && outcome === (seen.in_call ? 'busy' : seen.state);
  const why = known ? '' : outcome === 'dnd' ? ` (do not disturb${end})` : outcome === 'busy' ? ' (in another call)' : outcome === 'offline' ? ' (offline)' : '';
  switch (way) {
    case 'will_ring':
      return '';
    case 'will_ring_waiting':
      return 'your call will ring quietly';
    case 'will_go_to_mailbox':
      return `calls go to the mailbox${why}`;
    case 'text_only':
      return full === 'voice' ? `cannot be called${why}; no time left for voice messages` : `cannot be called${why}; the mailbox is full`;
  }
}

/** stoppedOf says why a ring ended here; '' where the conversation will say it. */
export function stoppedOf(name: string, reason: wire.Reason): string {
  switch (reason) {
    case 'accepted_elsewhere':
      return 'Answered on another device';
    case 'declined_elsewhere':
      return 'Declined on another device';
    case 'cancelled':
    case 'no_answer':
    case 'diverted':
      return `Missed call from ${name}`;
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
