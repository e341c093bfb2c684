// How calls are said to people while they last, before them and at their end.
// What is said of them later, words.ts has.

import type { Call } from './call';
import type { Condition, Trouble } from './quality';
import type { Screen } from './screening';
import { duration, endOf } from './time';
import type * as wire from './wire';

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

/** progressOf says how a call stands, for the call bar and for screen readers. */
export function progressOf(call: Call): string {
  if (call.discarding && call.phase !== 'over' && call.phase !== 'ending') {
    return 'Thrown away';
  }
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

/** besideSaid says how a call stands that is on hold beside another. */
export function besideSaid(call: Call): string {
  return call.phase === 'active' && !call.interrupted ? 'on hold' : progressOf({ ...call, holding: false });
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
