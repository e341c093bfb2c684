// The media of the call of this device: microphone, camera, screen, the leg
// that carries them, and what is done when it breaks off.
//
// It owns all of these from before the invite or the accept until the end; what
// the call is, calls.ts knows. Failure: a device that does not open rejects with
// a Problem; one that vanishes is replaced, which is said; a broken connection
// is repaired again and again, and then given up.

import { get, writable, type Readable } from 'svelte/store';
import { Chat, type PrivateLine } from './chat';
import { Leg, type Candidate, type Description } from './leg';
import { close, openCamera, openMicrophone } from './microphone';
import { between, figuresOf, troubleOf, type Condition, type Figures, type Trouble } from './quality';
import { Repair } from './repair';
import { preferRedundancy } from './sdp';

export interface Options {
  /** the relay servers as last told */
  ice: () => RTCIceServer[];
  /** hide the own address */
  relayOnly: () => boolean;
  microphone?: (() => Promise<MediaStream>) | undefined;
  camera?: (() => Promise<MediaStream>) | undefined;
  connection?: ((config: RTCConfiguration) => RTCPeerConnection) | undefined;
  /** what is typed is shown as it is typed, if the far end wants that too */
  typing?: (() => boolean) | undefined;
  onCandidate: (candidate: Candidate) => void;
  onDescription: (description: Description) => void;
  onState: (state: RTCPeerConnectionState) => void;
  /** the sound broke off and could not be restored */
  onLost: () => void;
  /** lines that the far end may not have */
  onUndelivered: (lines: PrivateLine[]) => void;
  /** something for the person, in a sentence */
  onNotice: (text: string) => void;
}

const lookEvery = 2_000; // ms

export class Line {
  /** what the far end says */
  readonly sound: Readable<MediaStream | null>;
  /** what this side's microphone hears, muted or not; for meters, never sent */
  readonly voice: Readable<MediaStream | null>;
  /** what the far end shows: camera, screen or both */
  readonly pictures: Readable<MediaStream[]>;
  /** what this side shows */
  readonly camera: Readable<MediaStream | null>;
  readonly screen: Readable<MediaStream | null>;
  /** to compare, so that nobody sits in between; see trust.ts */
  readonly words: Readable<string[] | null>;
  readonly condition: Readable<Condition | null>;
  readonly trouble: Readable<Trouble>;
  readonly chat: Chat;

  private readonly heard = writable<MediaStream | null>(null);
  private readonly listened = writable<MediaStream | null>(null);
  private readonly seen = writable<MediaStream[]>([]);
  private readonly filmed = writable<MediaStream | null>(null);
  private readonly shared = writable<MediaStream | null>(null);
  private readonly compared = writable<string[] | null>(null);
  private readonly looked = writable<Condition | null>(null);
  private readonly troubled = writable<Trouble>(null);

  private microphone: MediaStream | null = null;
  private leg: Leg | null = null;
  private senders = new Map<MediaStreamTrack, RTCRtpSender>();
  private caller = false;
  private muted = false;
  private ends = ''; // of which the words are made
  private looking: ReturnType<typeof setInterval> | undefined;
  private readonly repair: Repair;

  constructor(private readonly options: Options) {
    this.sound = this.heard;
    this.voice = this.listened;
    this.pictures = this.seen;
    this.camera = this.filmed;
    this.screen = this.shared;
    this.words = this.compared;
    this.condition = this.looked;
    this.trouble = this.troubled;
    this.repair = new Repair({ restart: () => this.restart(), giveUp: options.onLost });
    this.chat = new Chat({ typing: options.typing ?? (() => true), onUndelivered: options.onUndelivered });
  }

  /** listen opens the microphone, if it is not open. False: the call was given up meanwhile. */
  async listen(wanted: () => boolean): Promise<boolean> {
    if (this.microphone === null) {
      const microphone = await (this.options.microphone ?? openMicrophone)();
      if (!wanted()) {
        close(microphone);
        return false;
      }
      this.takeMicrophone(microphone);
    }
    return true;
  }

  /** connect makes a new leg in the place of an earlier one. The callee is the polite one. */
  connect(polite: boolean): Leg {
    this.drop();
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
        onSettled: () => {
          if (this.leg === leg) {
            void this.compare();
          }
        },
        onState: current(this.options.onState),
        onTrack: current((event) => this.arrived(event)),
        onChannel: current((channel) => this.chat.attach(channel)),
      },
    );
    this.leg = leg;
    this.caller = !polite;
    if (this.microphone !== null) {
      this.carry(this.microphone);
      preferRedundancy(leg.connection);
    }
    return leg;
  }

  /** write opens the channels of a text call, before its first offer. */
  write(): void {
    this.chat.begin(this.leg!.connection);
  }

  /** began follows the beginning of the conversation. */
  began(): void {
    if (this.looking !== undefined) {
      return;
    }
    if (this.caller && this.microphone !== null) {
      this.write(); // not before: what takes messages has no use for it
    }
    void this.compare();
    this.look();
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
    this.microphone?.getAudioTracks().forEach((track) => (track.enabled = !muted));
  }

  /** showCamera turns the camera on or off. Rejects with a Problem. */
  async showCamera(on: boolean): Promise<void> {
    await this.show(this.filmed, on, this.options.camera ?? openCamera, 'Your camera was disconnected.');
  }

  /** showScreen shares the screen, or no longer. Rejects when the person thinks better of it. */
  async showScreen(on: boolean): Promise<void> {
    await this.show(this.shared, on, () => navigator.mediaDevices.getDisplayMedia({ video: true, audio: false }), '');
  }

  /** change opens microphone and camera anew, those that are open: another was chosen, or other settings. */
  async change(): Promise<void> {
    if (this.microphone !== null) {
      await this.replaceMicrophone();
    }
    if (get(this.filmed) !== null) {
      await this.showCamera(false);
      await this.showCamera(true);
    }
  }

  /** hush closes the microphone and leaves the leg as it is. */
  hush(): void {
    if (this.microphone !== null) {
      close(this.microphone);
      this.microphone = null;
    }
    const listened = get(this.listened);
    if (listened !== null) {
      close(listened);
      this.listened.set(null);
    }
  }

  /** drop closes the leg alone. */
  drop(): void {
    clearInterval(this.looking);
    this.looking = undefined;
    this.leg?.close();
    this.leg = null;
    this.senders.clear();
    this.ends = '';
    this.heard.set(null);
    this.seen.set([]);
    this.compared.set(null);
    this.looked.set(null);
    this.troubled.set(null);
  }

  /** close lets go of everything but the lines, which can be read a little longer. */
  close(): void {
    this.repair.whole();
    this.chat.close();
    this.drop();
    this.hush();
    for (const own of [this.filmed, this.shared]) {
      const stream = get(own);
      if (stream !== null) {
        close(stream);
        own.set(null);
      }
    }
  }

  private carry(stream: MediaStream): void {
    stream.getTracks().forEach((track) => this.senders.set(track, this.leg!.connection.addTrack(track, stream)));
  }

  private async show(own: typeof this.filmed, on: boolean, open: () => Promise<MediaStream>, vanished: string): Promise<void> {
    const { leg } = this;
    const before = get(own);
    if (on === (before !== null)) {
      return;
    }
    if (before !== null) {
      this.takeAway(own, before);
      return;
    }
    const stream = await open();
    if (this.leg !== leg || leg === null) {
      close(stream); // the call is over
      return;
    }
    own.set(stream);
    this.carry(stream);
    stream.getTracks().forEach((track) => {
      track.onended = () => {
        this.takeAway(own, stream);
        if (vanished) {
          this.options.onNotice(vanished);
        }
      };
    });
  }

  private takeAway(own: typeof this.filmed, stream: MediaStream): void {
    for (const track of stream.getTracks()) {
      track.onended = null;
      const sender = this.senders.get(track);
      if (sender !== undefined && this.leg !== null) {
        this.leg.connection.removeTrack(sender);
      }
      this.senders.delete(track);
    }
    close(stream);
    if (get(own) === stream) {
      own.set(null);
    }
  }

  private arrived({ track, streams }: RTCTrackEvent): void {
    const stream = streams[0] ?? new MediaStream([track]);
    if (track.kind === 'audio') {
      this.heard.set(stream);
      return;
    }
    this.seen.update((seen) => [...seen.filter((one) => one !== stream), stream]);
    stream.onremovetrack = () => this.seen.update((seen) => seen.filter((one) => one !== stream || stream.getVideoTracks().length > 0));
  }

  private takeMicrophone(microphone: MediaStream): void {
    this.hush();
    this.microphone = microphone;
    // A track that is muted for the far end is silent here, too; its copy is not.
    this.listened.set(microphone.clone());
    microphone.getAudioTracks().forEach((track) => (track.onended = () => void this.vanished()));
    this.mute(this.muted);
  }

  /** vanished goes on with another microphone, if there is one. */
  private async vanished(): Promise<void> {
    try {
      await this.replaceMicrophone();
      const label = this.microphone?.getAudioTracks()[0]?.label;
      this.options.onNotice(`Your microphone was disconnected.${label ? ` You are heard through ${label} now.` : ''}`);
    } catch {
      this.options.onNotice('Your microphone was disconnected, and there is no other. Nobody hears you until you connect one.');
    }
  }

  private async replaceMicrophone(): Promise<void> {
    const { leg } = this;
    const microphone = await (this.options.microphone ?? openMicrophone)();
    if (leg === null || this.leg !== leg) {
      close(microphone);
      return;
    }
    const [track] = microphone.getAudioTracks();
    const before = this.microphone?.getAudioTracks()[0];
    const sender = before && this.senders.get(before);
    this.takeMicrophone(microphone);
    if (track && before && sender) {
      this.senders.delete(before);
      this.senders.set(track, sender);
      await sender.replaceTrack(track);
    }
  }

  /** compare makes the words, anew only if the ends have changed. */
  private async compare(): Promise<void> {
    const { leg } = this;
    const said = leg?.descriptions();
    if (!said || this.looking === undefined) {
      return;
    }
    const { fingerprintsOf, wordsOf } = await import('./trust');
    const [caller, callee] = this.caller ? said : [said[1], said[0]];
    const ends = JSON.stringify([fingerprintsOf(caller), fingerprintsOf(callee)]);
    if (this.leg !== leg || ends === this.ends) {
      return;
    }
    this.ends = ends;
    const words = await wordsOf(caller, callee).catch(() => null);
    if (this.leg === leg && this.ends === ends) {
      this.compared.set(words);
    }
  }

  private look(): void {
    const { leg } = this;
    let before: Figures | undefined;
    let last: Condition[] = [];
    this.looking = setInterval(() => {
      void leg?.connection.getStats().then((report) => {
        const now = figuresOf(report as unknown as Iterable<[string, unknown]>);
        if (before !== undefined && this.leg === leg) {
          last = [...last.slice(-2), between(before, now)];
          this.looked.set(last.at(-1)!);
          this.troubled.set(troubleOf(last));
        }
        before = now;
      });
    }, lookEvery);
  }
}
