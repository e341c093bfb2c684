// What keeps this side of a call silent: it is muted, or has put the other on
// hold. Nothing but the person ever changes either, and none touches the other;
// the far end and every new session of the server is told.

import { get, type Writable } from 'svelte/store';
import { live, type Call } from './call';
import type { Capture } from './capture';
import type * as wire from './wire';

export class Silence {
  private pressed = false; // what opens a microphone that is muted otherwise

  constructor(
    private readonly call: Writable<Call | null>,
    private readonly capture: Pick<Capture, 'mute' | 'hold'>,
    private readonly post: (frame: wire.CallMute | wire.CallHold) => void,
  ) {}

  /** mute closes or opens the microphone. */
  mute(muted: boolean): void {
    const call = get(this.call);
    if (live(call)) {
      this.call.set({ ...call, muted });
      this.capture.mute(muted);
      this.tellMute();
    }
  }

  /** talk opens a muted microphone for as long as something is held down. */
  talk(down: boolean): void {
    const muted = get(this.call)?.muted === true;
    if (down && muted) {
      this.mute(false);
      this.pressed = true;
    } else if (!down && this.pressed) {
      this.mute(true);
      this.pressed = false;
    }
  }

  /** hold stops listening and sending, or goes on with both. */
  hold(holding: boolean): void {
    const call = get(this.call);
    if (live(call) && call.phase === 'active') {
      this.talk(false); // what is held down may come up over another call
      this.call.set({ ...get(this.call)!, holding });
      this.capture.hold(holding);
      this.tellHold();
    }
  }

  tellMute(): void {
    const call = get(this.call);
    if (live(call) && call.phase !== 'ending') {
      this.post({ type: 'call.mute', call: call.id, muted: call.muted });
    }
  }

  tellHold(): void {
    const call = get(this.call);
    if (live(call) && call.phase === 'active') {
      this.post({ type: 'call.hold', call: call.id, held: call.holding });
    }
  }
}
