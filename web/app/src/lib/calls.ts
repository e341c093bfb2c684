// The calls of this device: the one in front, and beside it one on hold.
//
// It owns which calls these are and what has to be said to the server of those
// that ended here; what happens in a call, livecall.ts knows. Only the one in
// front is heard and hears. When it is over, the one beside it comes to the
// front: off hold if this side ended the other, for nothing but the person opens
// a microphone. Failure: a call that cannot begin rejects with a Problem and
// leaves none behind.

import { derived, get, writable, type Readable } from 'svelte/store';
import { incoming, live, outgoing, type Call, type CallFrame, type Intent } from './call';
import { Problem } from './errors';
import { newID } from './id';
import { LiveCall, type Options as CallOptions } from './livecall';
import type { Ring } from './ringing';
import { Sentences } from './wire';
import type * as wire from './wire';

export interface Options extends Omit<CallOptions, 'say'> {
  newID?: () => string;
  /** a call has ended whose outcome is not shown in front */
  onEndedBeside?: (call: Call) => void;
}

/** What this side has ended comes out so; nothing has to be said of it. */
const expected: (wire.Reason | undefined)[] = ['hangup', 'discarded', 'cancelled'];

export class Calls {
  /** the call in front, and its outcome for a while */
  readonly current: Readable<LiveCall | null>;
  /** how that stands */
  readonly call: Readable<Call | null>;
  /** the call on hold beside it */
  readonly beside: Readable<LiveCall | null>;
  /** this device is in a call */
  readonly busy: Readable<boolean>;

  private readonly front = writable<LiveCall | null>(null);
  private readonly shown = writable<Call | null>(null);
  private readonly held = writable<LiveCall | null>(null);
  /** the call for whose sake the one beside it was put on hold */
  private waitsFor: LiveCall | null = null;
  /** ended here, and off the page, with a recording of which the server has not said what becomes of it */
  private readonly leaving = new Set<LiveCall>();
  /** what ended a call here, until the server has said so too */
  private readonly farewells = new Map<string, wire.ClientFrame>();

  constructor(private readonly options: Options) {
    this.current = this.front;
    this.call = this.shown;
    this.beside = this.held;
    this.busy = derived([this.shown, this.held], () => this.all().some((one) => live(get(one.call))));
  }

  /** known are the calls to name in hello: those that the server knows, as far as this page knows. */
  known(): string[] {
    return [...this.all(), ...this.leaving].flatMap((one) => {
      const call = get(one.call);
      return live(call) && (call.incoming || call.phase !== 'preparing') ? [call.id] : [];
    });
  }

  /** start calls somebody or records for them. Rejects with a Problem, and then there is no call. */
  async start(to: wire.AccountID, name: string, intent: Intent): Promise<void> {
    if (get(this.busy)) {
      throw new Problem('already_in_call', Sentences.already_in_call);
    }
    await this.begin(outgoing((this.options.newID ?? newID)(), to, name, intent)).invite();
  }

  /** answer takes a ringing call; what this device does in front ends, or is put on `hold`. False: it does so already. */
  async answer(ring: Ring, hold = false): Promise<boolean> {
    if (this.does(ring.call)) {
      return false; // pressed twice
    }
    await this.begin(incoming(ring), hold).accept(ring);
    return true;
  }

  /** pickUp takes a call whose caller is leaving a message; what this device does in front ends, or is put on `hold`. */
  async pickUp({ call, from, name }: Pick<wire.CallScreen, 'call' | 'from' | 'name'>, hold = false): Promise<void> {
    if (!this.does(call)) {
      await this.begin(incoming({ call, from, name, intent: 'call' }), hold).pickUp();
    }
  }

  /** swap puts the call in front on hold, and goes on with the one beside it. */
  swap(): void {
    const [front, held] = [get(this.front), get(this.held)];
    if (front !== null && held !== null && maySwap(get(front.call)) && get(held.call)?.phase !== 'ending') {
      front.silence.hold(true);
      this.held.set(live(get(front.call)) || front.hasLines ? front : null);
      this.bring(held);
      held.silence.hold(false);
    }
  }

  /** inviting reports whether a call is the own one that nobody has answered. */
  inviting(id: string): boolean {
    const call = get(this.shown);
    return call?.id === id && !call.incoming && (call.phase === 'calling' || call.phase === 'ringing');
  }

  /** cross answers a ring whose call takes the place of the own invite. */
  async cross(ring: Ring): Promise<void> {
    await get(this.front)!.cross(ring);
  }

  /** take accepts a frame about a call; those about other calls are not for this page. */
  take(frame: CallFrame | wire.Error): void {
    if (frame.call && (frame.type === 'call.ended' || frame.type === 'call.stop' || (frame.type === 'error' && frame.code === 'no_such_call'))) {
      this.farewells.delete(frame.call);
    }
    [...this.all(), ...this.leaving].find((one) => frame.call && get(one.call)?.id === frame.call)?.take(frame);
  }

  /** kept takes away private lines that came as messages too. */
  kept(cids: string[]): void {
    this.all().forEach((one) => one.line.chat.kept(cids));
  }

  hangUp(): void {
    this.all().forEach((one) => one.hangUp());
  }

  /** left ends the calls with the page. One that is not answered yet rings on. */
  left(): void {
    for (const one of this.all()) {
      const call = get(one.call);
      if (!call?.incoming || call.phase !== 'preparing') {
        one.hangUp();
      }
    }
  }

  /** resumed follows a new session with the server: what it has to know is said again. */
  resumed(): void {
    this.farewells.forEach((frame) => this.options.post(frame));
    this.all().forEach((one) => one.resumed());
  }

  /** change opens a microphone or a camera anew, if it is open: another was chosen, or other settings. */
  async change(kind: 'audio' | 'video'): Promise<void> {
    await Promise.all(this.all().map((one) => one.line.capture.change(kind)));
  }

  /** moved looks for new paths: this browser is in another network. */
  moved(): void {
    this.all().forEach((one) => one.moved());
  }

  private all(): LiveCall[] {
    return [get(this.front), get(this.held)].filter((one) => one !== null);
  }

  /** does reports whether this device is in a call, or answers it. */
  private does(id: string): boolean {
    return this.all().some((one) => {
      const call = get(one.call);
      return live(call) && call.id === id;
    });
  }

  /** begin puts a new call in front, in the place of the one that was there or beside it. */
  private begin(first: Call, hold = false): LiveCall {
    const before = get(this.front);
    const begun = new LiveCall(first, { ...this.options, say: (frame) => this.say(frame) });
    if (hold && before !== null && get(this.held) === null && mayKeep(get(before.call))) {
      this.waitsFor = get(before.call)!.holding ? null : begun;
      before.silence.hold(true);
      this.held.set(before);
    }
    this.bring(begun);
    if (before !== null && get(this.held) !== before) {
      before.drop();
      if (live(get(before.call))) {
        this.leaving.add(before);
      }
    }
    begun.call.subscribe((call) => this.follow(begun, call));
    return begun;
  }

  private bring(one: LiveCall | null): void {
    this.front.set(one);
    this.shown.set(one && get(one.call));
  }

  /** follow keeps what is shown up to date with a call, and takes it off the page when it is over and nothing is left to read. */
  private follow(one: LiveCall, call: Call | null): void {
    const held = get(this.held);
    if (one === get(this.front)) {
      if (call === null) {
        this.held.set(null);
        this.bring(held);
        if (get(this.shown)?.intent === 'text' || (one.failed && one === this.waitsFor)) {
          held?.silence.hold(false); // which has no microphone, or waited for one that did not begin
        }
        return;
      }
      this.shown.set(call);
      if (call.phase === 'over' && held !== null && one.leftHere && !one.hasLines) {
        this.tell(one, call);
        one.dismiss();
        held.silence.hold(false);
      }
    } else if (one === held) {
      if (call?.phase === 'over') {
        this.tell(one, call);
      }
      if (call === null || (call.phase === 'over' && !one.hasLines)) {
        this.held.set(null);
      } else {
        this.held.set(held); // for who looks whether this device is in a call
      }
    } else if (call === null) {
      this.leaving.delete(one);
    } else if (call.phase === 'over') {
      this.tell(one, call);
    }
  }

  /** tell says how a call ended that is not shown in front, unless it came out as was asked for here. */
  private tell(one: LiveCall, call: Call): void {
    if (!one.leftHere || !expected.includes(call.end?.reason)) {
      this.options.onEndedBeside?.(call);
    }
  }

  /** say posts what ends a call, and keeps it for a server that did not take it. */
  private say(frame: wire.CallHangup | wire.CallDiscard): void {
    this.farewells.set(frame.call, frame);
    this.options.post(frame);
  }
}

/** mayKeep reports whether a call can be put on hold for another. */
export function mayKeep(call: Call | null): boolean {
  return call?.phase === 'active';
}

/** maySwap reports whether the call in front lets another take its place. */
export function maySwap(call: Call | null): boolean {
  return call !== null && (call.phase === 'active' || call.phase === 'ending' || call.phase === 'over');
}
