// The media of the call of this device: microphone, leg, and what is done when
// the sound breaks off.
//
// It owns the microphone and the leg, from before the invite or the accept
// until the end; what the call is, calls.ts knows. Failure: a microphone that
// does not open rejects with a Problem; a broken connection is repaired again
// and again, and then given up.

import { get, writable, type Readable } from 'svelte/store';
import { Leg, type Candidate } from './leg';
import { closeMicrophone, openMicrophone } from './microphone';
import { Repair } from './repair';

export interface Description {
  kind: 'offer' | 'answer';
  sdp: string;
}

export interface Options {
  /** the relay servers as last told */
  ice: () => RTCIceServer[];
  /** hide the own address */
  relayOnly: () => boolean;
  microphone?: (() => Promise<MediaStream>) | undefined;
  connection?: ((config: RTCConfiguration) => RTCPeerConnection) | undefined;
  onCandidate: (candidate: Candidate) => void;
  onDescription: (description: Description) => void;
  onState: (state: RTCPeerConnectionState) => void;
  /** the sound broke off and could not be restored */
  onLost: () => void;
}

export class Line {
  /** what the far end says */
  readonly sound: Readable<MediaStream | null>;
  /** what this side says */
  readonly voice: Readable<MediaStream | null>;

  private readonly heard = writable<MediaStream | null>(null);
  private readonly microphone = writable<MediaStream | null>(null);
  private leg: Leg | null = null;
  private muted = false;
  private readonly repair: Repair;

  constructor(private readonly options: Options) {
    this.sound = this.heard;
    this.voice = this.microphone;
    this.repair = new Repair({ restart: () => void this.restart().catch(() => {}), giveUp: options.onLost }); // the next restart may do
  }

  /** listen opens the microphone, if it is not open. False: the call was given up meanwhile. */
  async listen(wanted: () => boolean): Promise<boolean> {
    if (get(this.microphone) === null) {
      const microphone = await (this.options.microphone ?? openMicrophone)();
      if (!wanted()) {
        closeMicrophone(microphone);
        return false;
      }
      this.microphone.set(microphone);
    }
    this.mute(this.muted);
    return true;
  }

  /** connect makes a new leg in the place of an earlier one. */
  connect(): Leg {
    const { connection } = this.options;
    const leg: Leg = new Leg(
      {
        ice: this.options.ice(),
        relayOnly: this.options.relayOnly(),
        microphone: get(this.microphone)!,
        ...(connection && { open: connection }),
      },
      {
        onCandidate: this.options.onCandidate,
        onState: (state) => {
          if (this.leg === leg) {
            this.options.onState(state);
          }
        },
        onSound: (stream) => this.heard.set(stream),
      },
    );
    this.leg?.close();
    this.leg = leg;
    return leg;
  }

  /** release lets own candidates go: the description they belong to has been sent. */
  release(): void {
    this.leg?.release();
  }

  /** answered takes the answer to the first offer. */
  async answered(answer: string): Promise<void> {
    await this.leg?.answered(answer);
  }

  candidate(candidate: Candidate): void {
    this.leg?.candidate(candidate);
  }

  /** offerAnew begins again with another far end. */
  async offerAnew(): Promise<void> {
    const leg = this.connect();
    this.describe(leg, 'offer', await leg.offer());
  }

  /** restart looks for new paths. */
  async restart(relayOnly = this.options.relayOnly()): Promise<void> {
    const { leg } = this;
    if (leg !== null) {
      this.describe(leg, 'offer', await leg.restart(relayOnly));
    }
  }

  /** described takes a later description of the far end. */
  async described({ kind, sdp }: Description): Promise<void> {
    const { leg } = this;
    if (leg === null) {
      return;
    }
    if (kind === 'offer') {
      this.describe(leg, 'answer', await leg.answer(sdp));
    } else {
      await leg.answered(sdp);
    }
  }

  /** broken begins to restore the sound; see Repair. */
  broken(hopeless: boolean, restarts: boolean): void {
    this.repair.broken(hopeless, restarts);
  }

  /** whole ends that: the sound is back, or no longer wanted. */
  whole(): void {
    this.repair.whole();
  }

  /** mute closes or opens the microphone, this one and those to come. */
  mute(muted: boolean): void {
    this.muted = muted;
    get(this.microphone)?.getAudioTracks().forEach((track) => (track.enabled = !muted));
  }

  /** hush closes the microphone and leaves the leg as it is. */
  hush(): void {
    const microphone = get(this.microphone);
    if (microphone !== null) {
      closeMicrophone(microphone);
      this.microphone.set(null);
    }
  }

  /** drop closes the leg alone. */
  drop(): void {
    this.leg?.close();
    this.leg = null;
    this.heard.set(null);
  }

  /** close lets go of everything. */
  close(): void {
    this.repair.whole();
    this.drop();
    this.hush();
  }

  private describe(leg: Leg, kind: Description['kind'], sdp: string): void {
    if (this.leg === leg) {
      this.options.onDescription({ kind, sdp });
      leg.release();
    }
  }
}
