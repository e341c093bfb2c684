// The calls of this device, one at a time: what is done about each state.
//
// It owns the state of the call and tells its line, which owns the media, what
// to do. The socket may come and go meanwhile: media goes on, frames wait, and
// only the server (or nobody answering here for long) ends a call. Failure: a
// microphone that does not open, or an invite that is refused, rejects with a
// Problem and leaves no call behind.

import { get, writable, type Readable } from 'svelte/store';
import { advance, agreed, bringsAnother, incoming, live, outgoing, over, talking, withServer, type Call, type CallFrame, type Intent } from './call';
import { Problem } from './errors';
import type { Holding, PrivateLine } from './chat';
import { newID } from './id';
import type { Description } from './leg';
import { Line } from './line';
import type { Ring } from './ringing';
import type { Reply, Request } from './socket';
import { Sentences } from './wire';
import type * as wire from './wire';

export interface Options {
  post: (frame: wire.ClientFrame) => void;
  request: (frame: Request) => Promise<Reply>;
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
  newID?: () => string;
  now?: () => number;
}

/** How long to wait for the server's last word after hanging up; longer where it has words to keep or to throw away. */
const farewell = 5_000;
const farewellOfServer = 30_000;
/** How long the outcome stays on the page. */
const outcomeShown = 7_000;
/** How long one that broke off may be finished as a message. */
const brokenShown = 60_000;

export class Calls {
  /** the call of this device; after its end for a few seconds, to say how it ended */
  readonly call: Readable<Call | null>;
  /** its media */
  readonly line: Line;

  private readonly shown = writable<Call | null>(null);
  /** what ended a call here, until the server has said so too */
  private readonly farewells = new Map<string, wire.ClientFrame>();
  private asked: wire.CallAccept | wire.CallPickUp | null = null; // until the server has answered it
  private up = false; // media of the line
  private farewell: ReturnType<typeof setTimeout> | undefined;
  private pressed = false; // hold, of a microphone that is muted otherwise
  private dismissal: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: Options) {
    const { ice, relayOnly, microphone, camera, connection, typing, holding } = options;
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
  }

  /** held are the calls to name in hello: those that the server knows, as far as this page knows. */
  held(): string[] {
    const call = get(this.shown);
    return live(call) && (call.incoming || call.phase !== 'preparing') ? [call.id] : [];
  }

  /** start calls somebody or records for them. Rejects with a Problem, and then there is no call. */
  async start(to: wire.AccountID, name: string, intent: Intent): Promise<void> {
    if (live(get(this.shown))) {
      throw new Problem('already_in_call', Sentences.already_in_call);
    }
    const { id } = this.begin(outgoing((this.options.newID ?? newID)(), to, name, intent));
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

  /** answer takes a ringing call; whatever this device was doing ends. False: it does so already. */
  async answer(ring: Ring): Promise<boolean> {
    const call = get(this.shown);
    if (live(call) && call.id === ring.call) {
      return false; // pressed twice
    }
    if (live(call)) {
      this.hangUp();
      this.finish('hangup');
    }
    this.begin(incoming(ring));
    await this.accept(ring);
    return true;
  }

  /** pickUp takes a call whose caller is leaving a message; whatever this device was doing ends. */
  async pickUp({ call: id, from, name }: Pick<wire.CallScreen, 'call' | 'from' | 'name'>): Promise<void> {
    const call = get(this.shown);
    if (live(call) && call.id === id) {
      return; // pressed twice
    }
    if (live(call)) {
      this.hangUp();
      this.finish('hangup');
    }
    this.begin(incoming({ call: id, from, name, intent: 'call' }));
    await this.attempt(id, async () => {
      if (await this.line.capture.listen(() => this.is(id))) {
        this.update((current) => ({ ...current, phase: 'connecting', joining: true }));
        this.asked = { type: 'call.pickup', call: id };
        this.options.post(this.asked);
      }
    });
  }

  /** inviting reports whether a call is the own one that nobody has answered. */
  inviting(id: string): boolean {
    const call = get(this.shown);
    return call?.id === id && !call.incoming && (call.phase === 'calling' || call.phase === 'ringing');
  }

  /** cross answers a ring whose call takes the place of the own invite, with the microphone already open. */
  async cross(ring: Ring): Promise<void> {
    const { muted } = get(this.shown)!;
    this.line.drop();
    this.shown.set({ ...incoming(ring), muted });
    await this.accept(ring);
  }

  /** take accepts a frame about a call; those about other calls are not for this page. */
  take(frame: CallFrame | wire.Error): void {
    const call = get(this.shown);
    if (frame.call && (frame.type === 'call.ended' || frame.type === 'call.stop' || (frame.type === 'error' && frame.code === 'no_such_call'))) {
      this.farewells.delete(frame.call);
    }
    if (!live(call) || frame.call !== call.id) {
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
        this.line.whole();
        void this.line.offerAnew(frame.negotiation).catch(() => this.refused(call.id));
        break;
      case 'call.active':
        this.asked = null;
        this.line.began(frame.nonce);
        if (call.muted) {
          this.tellMute(); // said before anybody could take it
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

  /** hangUp cancels, ends the conversation, or ends the recording and sends it. */
  hangUp(): void {
    this.leave('call.hangup', 'hangup');
  }

  /** left ends the call with the page. One that is not answered yet rings on. */
  left(): void {
    const call = get(this.shown);
    if (!call?.incoming || call.phase !== 'preparing') {
      this.hangUp();
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

  /** mute closes or opens the microphone; nothing else ever does. */
  mute(muted: boolean): void {
    const call = get(this.shown);
    if (live(call)) {
      this.update((current) => ({ ...current, muted }));
      this.line.capture.mute(muted);
      this.tellMute();
    }
  }

  /** hold opens a muted microphone for as long as something is held down. */
  hold(down: boolean): void {
    const muted = get(this.shown)?.muted === true;
    if (down && muted) {
      this.mute(false);
      this.pressed = true;
    } else if (!down && this.pressed) {
      this.mute(true);
      this.pressed = false;
    }
  }

  /** putOnHold stops listening and sending, or goes on with both; who was muted stays so. */
  putOnHold(holding: boolean): void {
    const call = get(this.shown);
    if (live(call) && call.phase === 'active') {
      this.update((current) => ({ ...current, holding }));
      this.line.capture.hold(holding);
      this.tellHold();
    }
  }

  /** resumed follows a new session with the server, which may be another process: what it has to know is said again. */
  resumed(): void {
    this.farewells.forEach((frame) => this.options.post(frame));
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
    this.tellMute();
    if (call.phase === 'active') {
      this.tellHold();
    }
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
      clearTimeout(this.dismissal);
      this.line.chat.clear();
      this.shown.set(null);
    }
  }

  private begin(call: Call): Call {
    this.up = this.pressed = false; // what was held down in another call is not let go in this one
    clearTimeout(this.dismissal);
    this.line.capture.mute(false);
    this.line.capture.hold(false);
    this.line.chat.clear();
    this.shown.set(call);
    return call;
  }

  private async accept(ring: Ring): Promise<void> {
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
      this.clear();
      this.shown.set(null);
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

  private tellHold(): void {
    this.about((call) => ({ type: 'call.hold', call, held: get(this.shown)!.holding }));
  }

  private tellMute(): void {
    this.about((call) => ({ type: 'call.mute', call, muted: get(this.shown)!.muted }));
  }

  /** refused gives up a call whose descriptions this browser does not take; one under way goes on as it was. */
  private refused(id: string): void {
    if (this.is(id) && get(this.shown)!.phase !== 'active') {
      this.give('unreachable');
    }
  }

  /** give ends the call here and tells the server. */
  private give(reason: wire.Reason): void {
    this.say({ type: 'call.hangup', call: get(this.shown)!.id });
    this.finish(reason);
  }

  private leave(type: 'call.hangup' | 'call.discard', reason: wire.Reason): void {
    const call = get(this.shown);
    if (!live(call) || call.phase === 'ending') {
      return;
    }
    if (call.phase === 'preparing' && !call.incoming) {
      this.clear(); // nobody knows of it yet
      this.shown.set(null);
      return;
    }
    this.say({ type, call: call.id });
    const serving = withServer(call);
    if (serving) {
      // A leg that closes arrives before the frame when the socket is slow, and
      // the server would keep as cut off what was to be sent, or thrown away.
      this.line.capture.hush();
    } else {
      this.line.close();
    }
    this.update((current) => ({ ...current, phase: 'ending' }));
    this.farewell = setTimeout(() => this.finish(reason), serving ? farewellOfServer : farewell);
  }

  /** say posts what ends a call, and keeps it for a server that did not take it. */
  private say(frame: wire.CallHangup | wire.CallDiscard): void {
    this.farewells.set(frame.call, frame);
    this.options.post(frame);
  }

  /** finish ends the call without the server's word. */
  private finish(reason: wire.Reason): void {
    this.update((call) => over(call, reason));
    this.clear();
  }

  /** clear lets go of everything of a call that has ended. */
  private clear(): void {
    clearTimeout(this.farewell);
    clearTimeout(this.dismissal);
    this.asked = null;
    this.line.close();
    if (get(this.line.chat.lines).length === 0 && get(this.line.chat.draft) === '') {
      this.dismissal = setTimeout(() => this.dismiss(), get(this.shown)?.end?.reason === 'lost' ? brokenShown : outcomeShown);
    } // private lines stay until they are dismissed: they are nowhere else
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
