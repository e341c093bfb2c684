// The calls of this device, one at a time: which one that is.
//
// It owns which call is on the page and what has to be said to the server of
// those that ended here; what happens in a call, livecall.ts knows. Failure: a
// call that cannot begin rejects with a Problem and leaves none behind.

import { get, writable, type Readable } from 'svelte/store';
import { incoming, live, outgoing, type Call, type CallFrame, type Intent } from './call';
import { Problem } from './errors';
import { newID } from './id';
import { LiveCall, type Options as CallOptions } from './livecall';
import type { Ring } from './ringing';
import { Sentences } from './wire';
import type * as wire from './wire';

export interface Options extends Omit<CallOptions, 'say'> {
  newID?: () => string;
}

export class Calls {
  /** what this device does now, and its outcome for a while */
  readonly current: Readable<LiveCall | null>;
  /** how that stands */
  readonly call: Readable<Call | null>;

  private readonly on = writable<LiveCall | null>(null);
  private readonly shown = writable<Call | null>(null);
  private unfollow = () => {};
  /** what ended a call here, until the server has said so too */
  private readonly farewells = new Map<string, wire.ClientFrame>();

  constructor(private readonly options: Options) {
    this.current = this.on;
    this.call = this.shown;
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
    await this.begin(outgoing((this.options.newID ?? newID)(), to, name, intent)).invite();
  }

  /** answer takes a ringing call; whatever this device was doing ends. False: it does so already. */
  async answer(ring: Ring): Promise<boolean> {
    if (this.does(ring.call)) {
      return false; // pressed twice
    }
    await this.begin(incoming(ring)).accept(ring);
    return true;
  }

  /** pickUp takes a call whose caller is leaving a message; whatever this device was doing ends. */
  async pickUp({ call, from, name }: Pick<wire.CallScreen, 'call' | 'from' | 'name'>): Promise<void> {
    if (!this.does(call)) {
      await this.begin(incoming({ call, from, name, intent: 'call' })).pickUp();
    }
  }

  /** inviting reports whether a call is the own one that nobody has answered. */
  inviting(id: string): boolean {
    const call = get(this.shown);
    return call?.id === id && !call.incoming && (call.phase === 'calling' || call.phase === 'ringing');
  }

  /** cross answers a ring whose call takes the place of the own invite. */
  async cross(ring: Ring): Promise<void> {
    await get(this.on)!.cross(ring);
  }

  /** take accepts a frame about a call; those about other calls are not for this page. */
  take(frame: CallFrame | wire.Error): void {
    if (frame.call && (frame.type === 'call.ended' || frame.type === 'call.stop' || (frame.type === 'error' && frame.code === 'no_such_call'))) {
      this.farewells.delete(frame.call);
    }
    if (frame.call && frame.call === get(this.shown)?.id) {
      get(this.on)!.take(frame);
    }
  }

  /** kept takes away private lines that came as messages too. */
  kept(cids: string[]): void {
    get(this.on)?.line.chat.kept(cids);
  }

  hangUp(): void {
    get(this.on)?.hangUp();
  }

  /** left ends the call with the page. One that is not answered yet rings on. */
  left(): void {
    const call = get(this.shown);
    if (!call?.incoming || call.phase !== 'preparing') {
      this.hangUp();
    }
  }

  /** resumed follows a new session with the server: what it has to know is said again. */
  resumed(): void {
    this.farewells.forEach((frame) => this.options.post(frame));
    get(this.on)?.resumed();
  }

  /** change opens a microphone or a camera anew, if it is open: another was chosen, or other settings. */
  async change(kind: 'audio' | 'video'): Promise<void> {
    await get(this.on)?.line.capture.change(kind);
  }

  /** moved looks for new paths: this browser is in another network. */
  moved(): void {
    get(this.on)?.moved();
  }

  /** does reports whether this device is in a call, or answers it. */
  private does(id: string): boolean {
    const call = get(this.shown);
    return live(call) && call.id === id;
  }

  /** begin puts a new call in the place of what was there. */
  private begin(first: Call): LiveCall {
    get(this.on)?.drop();
    const begun = new LiveCall(first, { ...this.options, say: (frame) => this.say(frame) });
    this.on.set(begun);
    this.unfollow = begun.call.subscribe((call) => this.follow(begun, call));
    return begun;
  }

  private follow(begun: LiveCall, call: Call | null): void {
    this.shown.set(call);
    if (call === null) {
      this.unfollow();
      this.on.set(null);
    }
  }

  /** say posts what ends a call, and keeps it for a server that did not take it. */
  private say(frame: wire.CallHangup | wire.CallDiscard): void {
    this.farewells.set(frame.call, frame);
    this.options.post(frame);
  }
}
