// One call of this device, from before its invite or its answer until its
// outcome is off the page: what is done about each of its states.
//
// It owns the state of the call and tells its line, which owns the media, what
// to do. The socket may come and go meanwhile: media goes on, frames wait, and
// only the server (or nobody answering here for long) ends a call. Failure: a
// microphone that does not open, or an invite that is refused, rejects with a
// Problem and takes the call off the page.

import { get, writable, type Readable, type Writable } from 'svelte/store';
import { advance, agreed, bringsAnother, incoming, live, over, talking, withServer, type Call, type CallFrame } from './call';
import type { Holding, PrivateLine } from './chat';
import { Problem } from './errors';
import type { Description } from './leg';
import { Line } from './line';
import type { Ring } from './ringing';
import { Silence } from './silence';
import type { Reply, Request } from './socket';
import { Sentences } from './wire';
import type * as wire from './wire';

export interface Options {
  post: (frame: wire.ClientFrame) => void;
  request: (frame: Request) => Promise<Reply>;
  /** posts what ends a call, also to a server that is away now */
  say: (frame: wire.CallHangup | wire.CallDiscard) => void;
  /** the relay servers as last told */
  ice: () => RTCIceServer[];
  /** hide the own address */
  relayOnly: () => boolean;
  microphone?: () => Promise<MediaStream>;
  camera?: () => Promise<MediaStream>;
  /** what is typed privately is shown as it is typed */
  typing?: () => boolean;
  /** private lines on their way to somebody, to go through the mailbox if the call does not bring them */
  holding?: Omit<Holding, 'hold'> & { hold: (to: wire.AccountID, line: PrivateLine) => Promise<void> };
  /** something for the person, in a sentence */
  onNotice?: (text: string) => void;
  connection?: (config: RTCConfiguration) => RTCPeerConnection;
  now?: () => number;
}

/** How long to wait for the server's last word after hanging up; longer where it has words to keep or to throw away. */
const farewell = 5_000;
const farewellOfServer = 30_000;
/** How long what is thrown away can be had back. */
const undoFor = 5_000;
/** How long the outcome stays on the page. */
const outcomeShown = 7_000;
/** How long one that broke off may be finished as a message. */
const brokenShown = 60_000;

export class LiveCall {
  /** the call; after its end for a few seconds, to say how it ended; null when it is off the page */
  readonly call: Readable<Call | null>;
  /** its media */
  readonly line: Line;
  readonly silence: Silence;

  private readonly shown: Writable<Call | null>;
  /** this side has ended it */
  leftHere = false;
  /** it could not begin here */
  failed = false;

  private asked: wire.CallAccept | wire.CallPickUp | null = null; // until the server has answered it
  private up = false; // media of the line
  private serving = false; // the server had a recording when this side ended the call
  private dropped = false; // its outcome is not shown
  private farewell: ReturnType<typeof setTimeout> | undefined;
  private dismissal: ReturnType<typeof setTimeout> | undefined;
  private discarding: ReturnType<typeof setTimeout> | undefined;

  constructor(
    first: Call,
    private readonly options: Options,
  ) {
    const { ice, relayOnly, microphone, camera, connection, typing, holding } = options;
    this.shown = writable<Call | null>(first);
    this.call = this.shown;
    this.line = new Line({
      ...{ ice, relayOnly, microphone, camera, connection, typing },
      onCandidate: (candidate) => this.about((call) => ({ type: 'call.candidate', call, ...candidate })),
      onDescription: (description) => this.about((call) => ({ type: 'call.description', call, ...description })),
      onState: (state) => this.mediaIs(state),
      onLost: () => this.give('lost'),
      holding: {
        hold: async (line) => holding?.hold(get(this.shown)!.with, line),
        delivered: (cid) => holding?.delivered(cid),
        undelivered: (cids) => holding?.undelivered(cids),
      },
      onNotice: (text) => options.onNotice?.(text),
    });
    this.silence = new Silence(this.shown, this.line.capture, options.post);
  }

  /** hasLines: there are private lines, which are nowhere else */
  get hasLines(): boolean {
    const { lines, draft } = this.line.chat;
    return get(lines).length > 0 || get(draft) !== '';
  }

  /** invite calls somebody, or records for them. */
  async invite(): Promise<void> {
    const { id, with: to, intent } = get(this.shown)!;
    await this.attempt(id, async () => {
      if (intent !== 'text' && !(await this.line.capture.listen(() => this.is(id)))) {
        return;
      }
      this.line.connect(false);
      if (intent === 'text') {
        this.line.write();
      }
      const offer = await this.line.offer();
      if (!this.is(id)) {
        return;
      }
      this.update((call) => ({ ...call, phase: 'calling' }));
      const invited = this.options.request({ type: 'call.invite', call: id, to, intent, offer, screening: true });
      this.line.release();
      await invited;
    });
  }

  /** accept takes a call that rings. */
  async accept(ring: Ring): Promise<void> {
    await this.attempt(ring.call, async () => {
      if (ring.intent !== 'text' && !(await this.line.capture.listen(() => this.is(ring.call)))) {
        return;
      }
      this.line.connect(true);
      const answer = await this.line.answer(ring.offer);
      if (this.is(ring.call)) {
        this.update((call) => ({ ...call, phase: 'connecting' }));
        this.asked = { type: 'call.accept', call: ring.call, answer };
        this.options.post(this.asked);
      }
    });
  }

  /** pickUp takes a call whose caller is leaving a message. */
  async pickUp(): Promise<void> {
    const { id } = get(this.shown)!;
    await this.attempt(id, async () => {
      if (await this.line.capture.listen(() => this.is(id))) {
        this.update((call) => ({ ...call, phase: 'connecting', joining: true }));
        this.asked = { type: 'call.pickup', call: id };
        this.options.post(this.asked);
      }
    });
  }

  /** cross answers a ring whose call takes the place of the own invite, with the microphone already open. */
  async cross(ring: Ring): Promise<void> {
    const { muted } = get(this.shown)!;
    this.line.drop();
    this.shown.set({ ...incoming(ring), muted });
    await this.accept(ring);
  }

  /** take accepts a frame about this call. */
  take(frame: CallFrame | wire.Error): void {
    const call = get(this.shown);
    if (!live(call)) {
      return;
    }
    if (frame.type === 'error') {
      if (frame.code === 'no_such_call') {
        this.finish('lost');
      } else if (this.asked !== null && (frame.code === 'media_refused' || frame.code === 'invalid')) {
        this.finish('unreachable'); // the answer was refused; it rings on elsewhere
      }
      return;
    }
    if (bringsAnother(call, frame)) {
      return;
    }
    this.shown.set(advance(call, frame, (this.options.now ?? Date.now)()));
    switch (frame.type) {
      case 'call.answered':
        if (talking(call) && !call.joining) {
          break; // told again after the server was away
        }
        void this.line.answered(frame.answer).catch(() => this.refused(call.id));
        break;
      case 'call.granted':
        if (frame.offer) {
          void this.join(call.id, frame.offer).catch(() => this.refused(call.id));
          break;
        }
        this.asked = null;
        this.line.release();
        break;
      case 'call.pickedup':
        if (call.phase === 'ending') {
          break; // the server learns that, too
        }
        if (call.discarding) {
          this.hangUp(); // who has thrown away what was said does not wait for somebody
          break;
        }
        this.line.whole();
        void this.line.offerAnew(frame.negotiation).catch(() => this.refused(call.id));
        break;
      case 'call.active':
        this.asked = null;
        this.line.began(frame.nonce);
        if (call.muted) {
          this.silence.tellMute(); // said before anybody could take it
        }
        break;
      case 'call.candidate':
        this.line.candidate(frame);
        break;
      case 'call.description':
        if (frame.restart) {
          this.line.restart(true);
        } else {
          void this.line.described({ ...frame, kind: frame.kind as Description['kind'] }).catch(() => this.refused(call.id));
        }
        break;
      case 'call.diverted':
        this.line.whole();
        this.line.capture.hold(false);
        if (frame.ask) { // nobody is at the other end, or hears anything
          this.line.drop();
          this.line.capture.hush();
        } else if (frame.reoffer) {
          void this.offerAnew(call.id, frame.negotiation).catch(() => this.refused(call.id));
        }
        break;
      case 'call.ended':
      case 'call.stop':
        this.clear();
        break;
    }
  }

  /** hangUp cancels, ends the conversation, or ends the recording and sends it, unless it is being thrown away. */
  hangUp(): void {
    if (get(this.shown)?.discarding) {
      this.discard();
    } else {
      this.leave('call.hangup', 'hangup');
    }
  }

  /** drop hangs up without waiting for the server's last word, unless there are words to keep or to throw away: those it says first. */
  drop(): void {
    this.dropped = true;
    if (live(get(this.shown))) {
      this.hangUp();
      if (this.serving) {
        return;
      }
      this.finish('hangup');
    }
    this.forget();
  }

  /** throwAway discards after a moment, in which nothing is recorded and `undo` brings everything back. */
  throwAway(): void {
    const call = get(this.shown);
    if (!live(call) || call.phase === 'ending' || call.discarding) {
      return;
    }
    if (call.recording === undefined) {
      this.discard(); // nothing to have back
      return;
    }
    if (call.phase === 'recording') {
      this.record('pause');
    }
    this.line.capture.hold(true); // also what is said until the server has paused
    this.update((current) => ({ ...current, discarding: true }));
    this.discarding = setTimeout(() => this.discard(), undoFor);
  }

  /** undo takes throwAway back. The recording has paused, or waits to be sent. */
  undo(): void {
    clearTimeout(this.discarding);
    if (get(this.shown)?.discarding) {
      this.update((call) => ({ ...call, discarding: false }));
      this.line.capture.hold(false);
    }
  }

  /** discard throws away what was recorded; before there is anything, that is hanging up. */
  discard(): void {
    const began = get(this.shown)?.phase !== 'diverted';
    this.leave(began ? 'call.discard' : 'call.hangup', 'discarded');
  }

  /** divert goes on without waiting: to the mailbox, or from the greeting to the tone. */
  divert(): void {
    const call = get(this.shown);
    if (live(call)) {
      this.update(agreed);
      this.options.post({ type: 'call.divert', call: call.id });
    }
  }

  /** record says what is wanted of the recording: to pause, to hear it before it is sent, to begin anew, to mark it urgent. */
  record(action: wire.RecordAction): void {
    const call = get(this.shown);
    if (!live(call)) {
      return;
    }
    if (action === 'urgent' || action === 'ordinary') {
      this.update((current) => ({ ...current, urgent: action === 'urgent' }));
    }
    this.options.post({ type: 'call.record', call: call.id, action });
  }

  /** resumed follows a new session with the server, which may be another process: what it has to know is said again. */
  resumed(): void {
    const call = get(this.shown);
    if (!live(call) || !talking(call)) {
      return;
    }
    if (this.asked !== null) {
      this.options.post(this.asked); // it may never have arrived
    }
    if (this.up && call.phase === 'connecting') {
      this.options.post({ type: 'call.connected', call: call.id, ...this.line.reveal() });
    }
    this.silence.tellMute();
    this.silence.tellHold();
    this.line.again();
    if (call.interrupted) {
      this.line.restart(); // the way to the far end may be open again, too
    }
  }

  /** moved looks for new paths: this browser is in another network. */
  moved(): void {
    const call = get(this.shown);
    if (live(call) && call.phase === 'active') {
      this.line.restart();
    }
  }

  /** dismiss takes the outcome off the page. */
  dismiss(): void {
    if (!live(get(this.shown))) {
      this.forget();
    }
  }

  private forget(): void {
    clearTimeout(this.dismissal);
    this.line.chat.clear();
    this.shown.set(null);
  }

  /** join answers the offer of a caller whom this device has picked up. */
  private async join(id: string, offer: string): Promise<void> {
    this.line.connect(true);
    const answer = await this.line.answer(offer);
    if (this.is(id)) {
      this.update((call) => ({ ...call, joining: false }));
      this.asked = { type: 'call.accept', call: id, answer };
      this.options.post(this.asked);
      this.line.release();
    }
  }

  /** attempt runs the beginning of a call; if it fails there is no call. */
  private async attempt(id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.is(id)) {
        return; // hung up meanwhile
      }
      if (get(this.shown)!.phase !== 'preparing') {
        this.options.post({ type: 'call.hangup', call: id }); // it may have arrived
      }
      this.failed = true;
      this.clear();
      this.forget();
      throw error instanceof Problem ? error : new Problem('media_refused', Sentences.media_refused);
    }
  }

  /** mediaIs follows the leg: tells that it is up, and restores it when it breaks. */
  private mediaIs(state: RTCPeerConnectionState): void {
    const call = get(this.shown);
    this.up = state === 'connected';
    if (!live(call) || withServer(call)) {
      return; // what the server records, it watches itself
    }
    if (state === 'connected') {
      this.line.whole();
      this.update((current) => ({ ...current, interrupted: false }));
      if (call.phase === 'connecting') {
        this.options.post({ type: 'call.connected', call: call.id, ...this.line.reveal() });
      }
    } else if ((state === 'disconnected' || state === 'failed') && call.phase === 'active') {
      this.update((current) => ({ ...current, interrupted: true }));
      this.line.broken(state === 'failed', !call.incoming);
    }
  }

  /** offerAnew lets the server answer, after somebody over there did. */
  private async offerAnew(id: string, negotiation?: string): Promise<void> {
    if (this.line.capture.listens || (await this.line.capture.listen(() => this.is(id)))) {
      await this.line.offerAnew(negotiation);
    }
  }

  /** refused gives up a call whose descriptions this browser does not take; one under way goes on as it was. */
  private refused(id: string): void {
    if (this.is(id) && get(this.shown)!.phase !== 'active') {
      this.give('unreachable');
    }
  }

  /** give ends the call here and tells the server. */
  private give(reason: wire.Reason): void {
    this.options.say({ type: 'call.hangup', call: get(this.shown)!.id });
    this.finish(reason);
  }

  private leave(type: 'call.hangup' | 'call.discard', reason: wire.Reason): void {
    const call = get(this.shown);
    if (!live(call) || call.phase === 'ending') {
      return;
    }
    clearTimeout(this.discarding);
    this.leftHere = true;
    if (call.phase === 'preparing' && !call.incoming) {
      this.clear(); // nobody knows of it yet
      this.forget();
      return;
    }
    this.options.say({ type, call: call.id });
    this.serving = withServer(call);
    if (this.serving) {
      // A leg that closes arrives before the frame when the socket is slow, and
      // the server would keep as cut off what was to be sent, or thrown away.
      this.line.capture.hush();
    } else {
      this.line.close();
    }
    this.update((current) => ({ ...current, phase: 'ending' }));
    this.farewell = setTimeout(() => this.finish(reason), this.serving ? farewellOfServer : farewell);
  }

  /** finish ends the call without the server's word. */
  private finish(reason: wire.Reason): void {
    this.update((call) => over(call, reason));
    this.clear();
  }

  /** clear lets go of everything of a call that has ended. */
  private clear(): void {
    [this.farewell, this.discarding, this.dismissal].forEach(clearTimeout);
    this.asked = null;
    this.line.close();
    if (this.dropped) {
      this.forget();
    } else if (!this.hasLines) {
      this.dismissal = setTimeout(() => this.dismiss(), get(this.shown)?.end?.reason === 'lost' ? brokenShown : outcomeShown);
    } // else it stays until it is dismissed
  }

  private is(id: string): boolean {
    const call = get(this.shown);
    return live(call) && call.phase !== 'ending' && call.id === id;
  }

  /** about says something of the call to the server, unless this side has left. */
  private about(say: (call: string) => wire.ClientFrame): void {
    const call = get(this.shown);
    if (live(call) && call.phase !== 'ending') {
      this.options.post(say(call.id));
    }
  }

  private update(change: (call: Call) => Call): void {
    this.shown.update((call) => (call === null ? null : change(call)));
  }
}
