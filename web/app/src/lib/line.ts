// The media of the call of this device: microphone, leg, and what is done when
// the sound breaks off.
//
// It owns the microphone and the leg, from before the invite or the accept
// until the end; what the call is, calls.ts knows. Failure: a microphone that
// does not open rejects with a Problem; a broken connection is repaired again
// and again, and then given up.

import { get, writable, type Readable } from 'svelte/store';
import { Leg, type Candidate, type Description } from './leg';
import { closeMicrophone, openMicrophone } from './microphone';
import { Repair } from './repair';

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
    this.repair = new Repair({ restart: () => this.restart(), giveUp: options.onLost });
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

  /** connect makes a new leg in the place of an earlier one. The callee is the polite one. */
  connect(polite: boolean): Leg {
    const { connection, ice, relayOnly } = this.options;
    const current = <T>(tell: (news: T) => void) => (news: T) => {
      if (this.leg === leg) {
        tell(news);
      }
    };
    const leg: Leg = new Leg(
      { ice, relayOnly: relayOnly(), polite, ...(connection && { open: connection }) },
      {
        onCandidate: current(this.options.onCandidate),
        onDescription: current(this.options.onDescription),
        onState: current(this.options.onState),
        onTrack: current(({ streams, track }) => this.heard.set(streams[0] ?? new MediaStream([track]))),
        onChannel: () => {},
      },
    );
    const microphone = get(this.microphone);
    microphone?.getAudioTracks().forEach((track) => leg.connection.addTrack(track, microphone));
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
    const leg = this.connect(false);
    const sdp = await leg.offer();
    if (this.leg === leg) {
      this.options.onDescription({ kind: 'offer', sdp });
      leg.release();
    }
  }

  /** restart looks for new paths; what flows goes on until one is found. */
  restart(relayOnly = this.options.relayOnly()): void {
    this.leg?.restart(relayOnly);
  }

  /** described takes a later description of the far end. */
  async described(description: Description): Promise<void> {
    await this.leg?.describe(description);
  }

  /** broken begins to restore the sound; see Repair. */
  broken(hopeless: boolean, caller: boolean): void {
    this.repair.broken(hopeless, caller);
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
}
