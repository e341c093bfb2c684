// How calls, states and outcomes are said to people.

import type { Call } from './call';
import { duration } from './time';
import type * as wire from './wire';

export const states: Record<wire.State, string> = {
  available: 'available',
  away: 'away',
  dnd: 'do not disturb',
  invisible: 'invisible',
  offline: 'offline',
};

/** presenceOf says a person's state, a call included: "available", "in a call". */
export function presenceOf(person: { state: wire.State; in_call?: boolean }): string {
  return person.in_call && person.state !== 'offline' ? 'in a call' : states[person.state];
}

/** diversionOf says why nobody answered. */
export function diversionOf(call: Call): string {
  const { name } = call;
  const { outcome, text } = call.diversion!;
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
      return `${name} does not want to be disturbed`;
    case 'unreachable':
      return `No audio connection to ${name} could be made`;
    default:
      return `Leaving a message for ${name}`;
  }
}

/** noMailbox says that there is no other way than writing. */
export const noMailbox = 'A voice message cannot be left right now. You can write instead.';

/** progressOf says how a call stands, for the call bar and for screen readers. */
export function progressOf(call: Call): string {
  switch (call.phase) {
    case 'preparing':
      return 'Opening the microphone…';
    case 'calling':
      return call.intent === 'call' ? 'Calling…' : 'Connecting…';
    case 'ringing':
      return 'Ringing…';
    case 'connecting':
      return 'Connecting…';
    case 'active':
      return call.interrupted ? 'The connection broke off. Restoring it…' : 'In a call';
    case 'diverted':
      return call.intent === 'note' ? 'Connecting…' : diversionOf(call);
    case 'greeting':
      return `${diversionOf(call)}. Speak after the tone.`;
    case 'recording':
      return call.intent === 'call' ? `${diversionOf(call)}. Recording your message` : 'Recording';
    case 'ending':
      return call.recording ? 'Sending…' : 'Ending…';
    case 'over':
      return outcomeOf(call);
  }
}

/** outcomeOf says how a call ended. */
function outcomeOf(call: Call): string {
  const { reason, durationMs } = call.end!;
  if (call.diversion && !call.diversion.mailbox) {
    return `${diversionOf(call)}. ${noMailbox}`;
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
      return 'No audio connection could be made';
    case 'lost':
      return 'The connection was lost';
    case 'message_left':
      return call.intent === 'note' ? 'Voice note sent' : `Message left for ${call.name}`;
    case 'discarded':
      return 'Discarded, nothing was sent';
    case 'too_short':
      return 'Too short: nothing was sent';
    case 'failed':
      return 'The server could not take the message';
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
  switch (entry.outcome) {
    case 'answered':
      return `Call${lasted(entry)}`;
    case 'lost':
      return `Call${lasted(entry)}, connection lost`;
    case 'declined':
      return mine ? 'Declined' : 'You declined a call';
    case 'cancelled':
      return mine ? 'Call cancelled' : 'Missed call';
    case 'mailbox':
      return mine ? 'Call to the mailbox' : 'Missed call';
    case 'no_answer':
      return mine ? 'No answer' : 'Missed call';
    case 'busy':
      return mine ? 'Busy' : 'Missed call, you were in another call';
    case 'dnd':
      return mine ? 'Do not disturb was on' : 'Missed call, do not disturb was on';
    case 'offline':
      return mine ? 'Was offline' : 'Missed call, you were offline';
    case 'unreachable':
      return mine ? 'Could not be connected' : 'Missed call, it could not be connected';
  }
}

function lasted({ duration_ms = 0 }: wire.CallEntry): string {
  return duration_ms > 0 ? `, ${duration(Math.max(1000, duration_ms))}` : ''; // "0 s" reads like none
}

/** missed reports whether an entry asks to be called back. */
export function missed(entry: wire.CallEntry, mine: boolean): boolean {
  return !mine && entry.outcome !== 'answered' && entry.outcome !== 'lost' && entry.outcome !== 'declined';
}

/** previewOf is a message in one line, for the list. */
export function previewOf(message: wire.Message, me: wire.AccountID): string {
  const mine = message.from === me;
  switch (message.kind) {
    case 'text':
      return (mine ? 'You: ' : '') + (message.text ?? '').replace(/\s+/g, ' ');
    case 'voice':
      return `${mine ? 'You: ' : ''}Voice message, ${duration(message.voice?.duration_ms ?? 0)}`;
    default:
      return message.call ? entryOf(message.call, mine) : '';
  }
}
