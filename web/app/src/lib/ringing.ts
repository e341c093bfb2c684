// Calls that ring on this device and wait for an answer.
//
// A ring is judged by its age, not by a clock: it ends by itself when its
// lifetime is over, and one that comes too late never rings. The server is told
// that it rings once somebody here could notice.

import { get, writable, type Readable } from 'svelte/store';
import type * as wire from './wire';

export interface Ring {
  call: string;
  from: wire.AccountID;
  name: string;
  /** what for: call or text */
  intent: string;
  offer: string;
  /** no sound on this device; it rings on elsewhere */
  silenced: boolean;
}

export interface Options {
  post: (frame: wire.ClientFrame) => void;
  /** whether somebody could notice a ring now: the page is visible, or may sound or notify */
  noticeable: () => boolean;
  /** a ring was stopped by the server */
  onStopped: (ring: Ring, reason: wire.Reason) => void;
}

/** How long the server's reason may come after the ring has ended by itself. */
const grace = 2_000; // ms

export class Ringing {
  /** oldest first */
  readonly rings: Readable<Ring[]>;

  private readonly shown = writable<Ring[]>([]);
  private readonly ends = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly unexplained = new Map<string, Ring>(); // that ended by themselves a moment ago
  private readonly untold = new Set<string>(); // rings that the server does not know of

  constructor(private readonly options: Options) {
    this.rings = this.shown;
  }

  close(): void {
    get(this.shown).forEach((ring) => this.remove(ring.call));
  }

  /** held are the calls to name in hello: the server tells of those that ended meanwhile. */
  held(): string[] {
    return get(this.shown).map((ring) => ring.call);
  }

  /** take accepts a frame about ringing. */
  take(frame: wire.CallRing | wire.CallStop | wire.CallGranted | wire.CallEnded): void {
    switch (frame.type) {
      case 'call.ring':
        this.ring(frame);
        break;
      case 'call.stop':
        this.stop(frame);
        break;
      case 'call.granted': // perhaps to another tab of this browser
      case 'call.ended': // while this page was away
        this.remove(frame.call);
        break;
    }
  }

  /** noticed tells the server of rings that could not be noticed before. */
  noticed(): void {
    if (this.options.noticeable()) {
      this.untold.forEach((call) => this.options.post({ type: 'call.ringing', call }));
      this.untold.clear();
    }
  }

  /** silence ends the sound on this device only. Nobody is told. */
  silence(call: string): void {
    this.shown.update((rings) => rings.map((ring) => (ring.call === call ? { ...ring, silenced: true } : ring)));
  }

  /** decline refuses for the person, on all devices; the text is shown to the caller. */
  decline(call: string, text = ''): void {
    this.options.post({ type: 'call.decline', call, ...(text && { text }) });
    this.remove(call);
  }

  /** remove ends a ring here: it was answered, or is over. */
  remove(call: string): void {
    clearTimeout(this.ends.get(call));
    this.ends.delete(call);
    this.untold.delete(call);
    this.shown.update((rings) => rings.filter((ring) => ring.call !== call));
  }

  private ring(frame: wire.CallRing): void {
    const left = frame.lifetime_ms - frame.age_ms;
    if (left <= 0 || this.ends.has(frame.call)) {
      return;
    }
    const { call, from, name, intent, offer } = frame;
    const ring: Ring = { call, from, name, intent, offer, silenced: false };
    this.ends.set(call, setTimeout(() => this.end(ring), left));
    this.shown.update((rings) => [...rings, ring]);
    this.untold.add(call);
    this.noticed();
  }

  /** end ends a ring whose lifetime is over; why, the server is about to say. */
  private end(ring: Ring): void {
    this.remove(ring.call);
    this.unexplained.set(ring.call, ring);
    setTimeout(() => this.unexplained.delete(ring.call), grace);
  }

  private stop(frame: wire.CallStop): void {
    const ring = get(this.shown).find((one) => one.call === frame.call) ?? this.unexplained.get(frame.call);
    this.unexplained.delete(frame.call);
    if (ring !== undefined) {
      this.remove(ring.call);
      this.options.onStopped(ring, frame.reason);
    }
  }
}
