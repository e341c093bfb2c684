// What one call looks like from this device: pure states, advanced by the
// frames of the server. What has to be done about them is in livecall.ts.
//
//	preparing ─▶ calling ─▶ ringing ─▶ connecting ─▶ active ─┐
//	                │          │           │                 ├─▶ ending ─▶ over
//	                └──────────┴─▶ diverted ─▶ greeting ─▶ recording ◀─▶ paused
//	                                  ▲                         └──────────▶ review
//	                                  └──────────── spoken again ◀──────────────┘
//
// An echo test goes from calling to recording and playback, and is over then.
//
// Over is final. A frame that does not fit a state changes nothing.

import type * as wire from './wire';

/** call: talk; text: write privately; mailbox: leave a message; echo: hear oneself. */
export type Intent = 'call' | 'text' | 'mailbox' | 'echo';

export type Phase =
  | 'preparing' // microphone and offer
  | 'calling' // the server tries to reach somebody
  | 'ringing' // a device over there rings
  | 'connecting' // somebody answered, media is on its way
  | 'active'
  | 'diverted' // nobody answers; the server takes a message, if it can
  | 'greeting'
  | 'recording'
  | 'paused'
  | 'playback' // of what was said in an echo test
  | 'review' // the recording has ended and is not sent yet
  | 'ending' // this side hung up
  | 'over';

/** Call is a call as this device sees it. */
export interface Call {
  readonly id: string;
  readonly with: wire.AccountID;
  readonly name: string;
  readonly intent: Intent;
  readonly incoming: boolean;
  readonly phase: Phase;
  readonly muted: boolean;
  readonly theirMuted: boolean;
  /** this side has put the other on hold: it neither listens nor sends */
  readonly holding: boolean;
  readonly theirHolding: boolean;
  /** the sound broke off and is being restored */
  readonly interrupted: boolean;
  /** it rings quietly over there, beside another call */
  readonly waiting?: boolean;
  /** the other side has lost its server; the sound may go on */
  readonly theirLineLost?: boolean;
  /** talking since, by the local clock, Unix ms */
  readonly since?: number;
  readonly diversion?: { outcome: wire.Outcome; text: string; mailbox: boolean; mayListen: boolean; full?: wire.Part | undefined; greeting?: wire.Greeting | undefined; until?: number | undefined; asks?: boolean };
  /** the callee has picked up while a message was left; the two have to exchange their offer and answer */
  readonly joining?: boolean;
  /** the message is to be marked as urgent */
  readonly urgent?: boolean;
  readonly recording?: { level: number; elapsedMs: number; limitMs: number };
  /** what was recorded is about to be thrown away, which can be taken back */
  readonly discarding?: boolean;
  readonly end?: { reason: wire.Reason; durationMs: number };
}

/** CallFrame is a frame about a call in which this device takes part. */
export type CallFrame = Extract<wire.ServerFrame, { type: `call.${string}` }>;

export function outgoing(id: string, to: wire.AccountID, name: string, intent: Intent): Call {
  return begin(id, to, name, intent, false);
}

export function incoming(ring: { call: string; from: wire.AccountID; name: string; intent: string }): Call {
  return begin(ring.call, ring.from, ring.name, ring.intent === 'text' ? 'text' : 'call', true);
}

function begin(id: string, other: wire.AccountID, name: string, intent: Intent, incoming: boolean): Call {
  return {
    id,
    with: other,
    name,
    intent,
    incoming,
    phase: 'preparing',
    muted: false,
    theirMuted: false,
    holding: false,
    theirHolding: false,
    interrupted: false,
  };
}

/** live reports whether the call still needs this device. */
export function live(call: Call | null): call is Call {
  return call !== null && call.phase !== 'over';
}

/** talking reports whether somebody over there has answered. */
export function talking(call: Call): boolean {
  return call.phase === 'connecting' || call.phase === 'active';
}

/** withServer reports whether the far end is the server, taking a message. */
export function withServer(call: Call): boolean {
  return call.intent !== 'echo' && (call.phase === 'diverted' || recordingPhases.some((phase) => phase === call.phase));
}

/** mayMute reports whether muting means anything; while a message is taken, opening a microphone that was muted before. */
export function mayMute(call: Call): boolean {
  return (talking(call) && call.intent !== 'text') || (withServer(call) && call.muted);
}

/**
 * bringsAnother reports whether a frame would put another far end behind who
 * talks, or has talked: the words may have been compared, and no server has a
 * reason to. What follows a conversation that broke off is a message, and only
 * when the person has said so: a microphone that was closed opens by that alone.
 */
export function bringsAnother(call: Call, frame: CallFrame): boolean {
  switch (frame.type) {
    case 'call.pickedup':
    case 'call.granted':
      return call.since !== undefined;
    case 'call.diverted':
      return call.phase === 'active' ? !frame.ask : call.diversion?.asks === true && frame.ask !== true;
    case 'call.answered':
      return call.since !== undefined && call.phase !== 'active' && frame.by !== undefined;
    case 'call.active':
      return call.since !== undefined && call.phase !== 'active';
  }
  return false;
}

/** brokenOff reports whether a conversation is over that nobody has ended: there may be more to say. */
export function brokenOff(call: Call): boolean {
  return call.intent === 'call' && call.since !== undefined && call.end?.reason === 'lost' && !call.diversion;
}

/** agreed is the call when the person wants to say the rest as a message. */
export function agreed(call: Call): Call {
  return call.diversion?.asks ? { ...call, diversion: { ...call.diversion, asks: false } } : call;
}

/** advance is the call after a frame about it. `now` is Unix ms. */
export function advance(call: Call, frame: CallFrame, now: number): Call {
  if (call.phase === 'over') {
    return call;
  }
  switch (frame.type) {
    case 'call.ended':
      // Who hangs up because nothing is heard any more, or gives up on it, is not heard either.
      return over(call, call.interrupted && frame.reason === 'hangup' ? 'lost' : frame.reason, frame.duration_ms);
    case 'call.stop':
      return over(call, frame.reason);
    case 'call.mute':
      return { ...call, theirMuted: frame.muted };
    case 'call.hold':
      return { ...call, theirHolding: frame.held };
  }
  if (call.phase === 'ending') {
    return call; // only the end matters now
  }
  switch (frame.type) {
    case 'call.alerting':
      return call.phase === 'calling' ? { ...call, phase: 'ringing', waiting: frame.waiting === true } : call;
    case 'call.answered':
      return frame.by && (!talking(call) || call.joining) ? { ...call, phase: 'connecting', joining: false } : call;
    case 'call.pickedup': {
      const { diversion: _, recording: __, discarding: ___, ...rest } = call; // what was said is another matter now
      return { ...rest, phase: 'connecting', joining: true };
    }
    case 'call.active':
      // Said again when both have the server again, which tells nothing of the sound.
      return { ...call, phase: 'active', since: call.since ?? now, theirLineLost: false };
    case 'call.reconnecting':
      return { ...call, theirLineLost: true };
    case 'call.diverted':
      return {
        ...call,
        phase: 'diverted',
        theirMuted: false,
        holding: false,
        theirHolding: false,
        interrupted: false,
        diversion: { outcome: frame.outcome, text: frame.text ?? '', mailbox: frame.mailbox, mayListen: frame.may_listen === true, full: frame.full, greeting: frame.greeting, until: frame.until, asks: frame.ask === true },
      };
    case 'call.recording':
      return record(call, frame);
    default:
      return call;
  }
}

/** over is the call when it has ended, told by the server or given up here. */
export function over(call: Call, reason: wire.Reason, durationMs = 0): Call {
  return { ...call, phase: 'over', interrupted: false, end: { reason, durationMs } };
}

function record(call: Call, frame: wire.CallRecording): Call {
  const phase = recordingPhases.find((one) => one === frame.phase);
  if (phase === undefined) {
    return call; // of a later server
  }
  if (phase === 'greeting' || phase === 'playback') {
    return { ...call, phase };
  }
  return {
    ...call,
    phase,
    recording: { level: frame.level ?? 0, elapsedMs: frame.elapsed_ms ?? 0, limitMs: frame.limit_ms ?? 0 },
  };
}

const recordingPhases = ['greeting', 'recording', 'paused', 'review', 'playback'] as const;
