// Messages that are being left for this account right now, as they grow: what
// its devices see of them, and what this one hears.
//
// It owns the connections on which it hears. They last until the person has
// heard enough, the message is over, or the session with the server ends.

import { get, writable, type Readable } from 'svelte/store';
import { askForResends } from './sdp';
import type * as wire from './wire';

/** A message that is being left. */
export interface Screen {
  readonly call: string;
  readonly from: wire.AccountID;
  readonly name: string;
  readonly phase: ScreenPhase;
  /** the newest last, 0 silent .. 255 loud */
  readonly levels: number[];
  readonly elapsedMs: number;
  readonly limitMs: number;
  readonly urgent: boolean;
  /** what this device hears of it; null: it has not asked, or not got an answer yet */
  readonly sound: MediaStream | null;
  /** this device hears it, or is about to */
  readonly listening: boolean;
}

const phases = ['greeting', 'recording', 'paused', 'review'] as const;
export type ScreenPhase = (typeof phases)[number];

export interface Options {
  post: (frame: wire.ClientFrame) => void;
  /** the relay servers as last told */
  ice: () => RTCIceServer[];
  relayOnly: () => boolean;
  connection?: (config: RTCConfiguration) => RTCPeerConnection;
  /** there was nothing to hear */
  onNothing?: (name: string) => void;
}

/** As many levels as are drawn. */
const most = 120;

export class Screening {
  /** the oldest first */
  readonly screens: Readable<Screen[]>;

  private readonly shown = writable<Screen[]>([]);
  private readonly hidden = new Set<string>(); // this device does not want to see them
  private readonly legs = new Map<string, RTCPeerConnection>(); // by call

  constructor(private readonly options: Options) {
    this.screens = this.shown;
  }

  /** clear forgets all: the server tells anew what there is. */
  clear(): void {
    get(this.shown).forEach(({ call }) => this.remove(call));
  }

  take(frame: wire.CallScreen | wire.CallListening): void {
    if (frame.type === 'call.listening') {
      void this.answered(frame);
      return;
    }
    const phase = phases.find((one) => one === frame.phase);
    if (phase === undefined) {
      this.hidden.delete(frame.call);
      this.remove(frame.call);
      return;
    }
    if (this.hidden.has(frame.call)) {
      return;
    }
    const { call, from, name, urgent = false, levels = [], elapsed_ms: elapsedMs = 0, limit_ms: limitMs = 0 } = frame;
    const before = get(this.shown).find((one) => one.call === call);
    const again = before !== undefined && elapsedMs < before.elapsedMs; // begun anew
    const grown = [...(again ? [] : (before?.levels ?? [])), ...levels.map((level) => Math.round(level * 2.55))].slice(-most);
    const screen = { sound: null, listening: false, ...before, call, from, name, phase, urgent, elapsedMs, limitMs, levels: grown };
    this.shown.update((all) => (before === undefined ? [...all, screen] : all.map((one) => (one === before ? screen : one))));
    if (phase === 'review') {
      this.silence(call); // there is nothing more to hear
    }
  }

  /** listen asks to hear a message from now on. */
  async listen(call: string): Promise<void> {
    const open = this.options.connection ?? ((config) => new RTCPeerConnection(config));
    this.silence(call);
    const leg = open({ iceServers: this.options.ice(), iceTransportPolicy: this.options.relayOnly() ? 'relay' : 'all', bundlePolicy: 'max-bundle' });
    this.legs.set(call, leg);
    this.change(call, { listening: true });
    leg.ontrack = ({ track, streams }) => this.change(call, { sound: streams[0] ?? new MediaStream([track]) });
    leg.addTransceiver('audio', { direction: 'recvonly' });
    const { sdp = '' } = await leg.createOffer();
    const offer = askForResends(sdp);
    await leg.setLocalDescription({ type: 'offer', sdp: offer });
    if (this.legs.get(call) === leg) {
      this.options.post({ type: 'call.listen', call, offer });
    }
  }

  /** unlisten ends that. */
  unlisten(call: string): void {
    if (this.legs.has(call)) {
      this.options.post({ type: 'call.listen', call });
      this.silence(call);
    }
  }

  /** hide takes a message off this page; it is in the mailbox when it is left. */
  hide(call: string): void {
    this.unlisten(call);
    this.hidden.add(call);
    this.remove(call);
  }

  /** remove forgets a message: it is over, or taken here. */
  remove(call: string): void {
    this.silence(call);
    this.shown.update((all) => all.filter((one) => one.call !== call));
  }

  private async answered({ call, answer }: wire.CallListening): Promise<void> {
    const leg = this.legs.get(call);
    if (leg === undefined) {
      return; // heard enough
    }
    try {
      if (!answer) {
        throw new Error('nothing to hear');
      }
      await leg.setRemoteDescription({ type: 'answer', sdp: answer });
    } catch {
      if (this.legs.get(call) === leg) {
        this.options.onNothing?.(get(this.shown).find((one) => one.call === call)?.name ?? '');
        this.silence(call);
      }
    }
  }

  private silence(call: string): void {
    this.legs.get(call)?.close();
    if (this.legs.delete(call)) {
      this.change(call, { sound: null, listening: false });
    }
  }

  private change(call: string, to: Partial<Screen>): void {
    this.shown.update((all) => all.map((one) => (one.call === call ? { ...one, ...to } : one)));
  }
}
