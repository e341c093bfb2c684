// What this side gives to a call: microphone, camera and screen.
//
// It owns the streams and the senders that carry them, on one connection after
// another; it opens nothing before it is asked to. Failure: a device that does
// not open rejects with a Problem; one that vanishes is replaced or taken away,
// which is said.

import { get, writable, type Readable } from 'svelte/store';
import { close, openCamera, openMicrophone } from './microphone';

export interface Options {
  microphone?: (() => Promise<MediaStream>) | undefined;
  camera?: (() => Promise<MediaStream>) | undefined;
  /** something for the person, in a sentence */
  onNotice: (text: string) => void;
}

type Connection = Pick<RTCPeerConnection, 'addTrack' | 'removeTrack'>;

export class Capture {
  /** what this side's microphone hears, muted or not; for meters, never sent */
  readonly voice: Readable<MediaStream | null>;
  readonly camera: Readable<MediaStream | null>;
  readonly screen: Readable<MediaStream | null>;

  private readonly listened = writable<MediaStream | null>(null);
  private readonly filmed = writable<MediaStream | null>(null);
  private readonly shared = writable<MediaStream | null>(null);
  private microphone: MediaStream | null = null;
  private connection: Connection | null = null;
  private senders = new Map<MediaStreamTrack, RTCRtpSender>();
  private muted = false;
  private holding = false;

  constructor(private readonly options: Options) {
    this.voice = this.listened;
    this.camera = this.filmed;
    this.screen = this.shared;
  }

  /** listens reports whether the microphone is open. */
  get listens(): boolean {
    return this.microphone !== null;
  }

  /** listen opens the microphone, if it is not open. False: the call was given up meanwhile. */
  async listen(wanted: () => boolean): Promise<boolean> {
    if (this.microphone === null) {
      const microphone = await this.openMicrophone();
      if (!wanted()) {
        close(microphone);
        return false;
      }
      this.takeMicrophone(microphone);
    }
    return true;
  }

  /** carry sends the microphone on a connection, and from then on whatever is opened. */
  carry(connection: Connection): void {
    this.connection = connection;
    if (this.microphone !== null) {
      this.add(this.microphone);
    }
  }

  /** drop forgets the connection; what is open stays open. */
  drop(): void {
    this.connection = null;
    this.senders.clear();
  }

  /** mute closes or opens the microphone, this one and those to come. */
  mute(muted: boolean): void {
    this.muted = muted;
    this.enable();
  }

  /** hold sends nothing of what is open, or goes on. */
  hold(holding: boolean): void {
    this.holding = holding;
    this.enable();
  }

  /** showCamera turns the camera on or off. Rejects with a Problem. */
  async showCamera(on: boolean): Promise<void> {
    await this.show(this.filmed, on, this.options.camera ?? openCamera, 'Your camera was disconnected.');
  }

  /** showScreen shares the screen, or no longer. Rejects when the person thinks better of it. */
  async showScreen(on: boolean): Promise<void> {
    await this.show(this.shared, on, () => navigator.mediaDevices.getDisplayMedia({ video: true, audio: false }), '');
  }

  /** change opens the microphone or the camera anew, if it is open: another was chosen, or other settings. */
  async change(kind: 'audio' | 'video'): Promise<void> {
    if (kind === 'audio' && this.microphone !== null) {
      await this.replaceMicrophone();
    }
    if (kind === 'video' && get(this.filmed) !== null) {
      await this.showCamera(false);
      await this.showCamera(true);
    }
  }

  /** hush closes the microphone and leaves the connection as it is. */
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

  /** close closes everything. */
  close(): void {
    this.drop();
    this.hush();
    for (const own of [this.filmed, this.shared]) {
      const stream = get(own);
      if (stream !== null) {
        this.takeAway(own, stream);
      }
    }
  }

  private openMicrophone(): Promise<MediaStream> {
    return (this.options.microphone ?? openMicrophone)();
  }

  private enable(): void {
    this.microphone?.getAudioTracks().forEach((track) => (track.enabled = !this.muted && !this.holding));
    for (const own of [this.filmed, this.shared]) {
      get(own)?.getTracks().forEach((track) => (track.enabled = !this.holding));
    }
  }

  private add(stream: MediaStream): void {
    stream.getTracks().forEach((track) => this.senders.set(track, this.connection!.addTrack(track, stream)));
  }

  private async show(own: typeof this.filmed, on: boolean, open: () => Promise<MediaStream>, vanished: string): Promise<void> {
    const { connection } = this;
    const before = get(own);
    if (on === (before !== null)) {
      return;
    }
    if (before !== null) {
      this.takeAway(own, before);
      return;
    }
    const stream = await open();
    if (this.connection !== connection || connection === null || get(own) !== null) {
      close(stream); // the call is over, or another press was faster
      return;
    }
    own.set(stream);
    this.enable();
    this.add(stream);
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
      if (sender !== undefined) {
        this.connection?.removeTrack(sender);
      }
      this.senders.delete(track);
    }
    close(stream);
    if (get(own) === stream) {
      own.set(null);
    }
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
      this.awaitAnother();
    }
  }

  /** awaitAnother takes the next microphone that is connected, while the call lasts. */
  private awaitAnother(): void {
    const { connection } = this;
    const look = async () => {
      if (connection === null || this.connection !== connection || this.microphone?.getAudioTracks()[0]?.readyState === 'live') {
        return;
      }
      try {
        await this.replaceMicrophone();
        this.options.onNotice('Your microphone is connected: you are heard again.');
      } catch {
        this.awaitAnother();
      }
    };
    globalThis.navigator?.mediaDevices?.addEventListener('devicechange', () => void look(), { once: true });
  }

  private async replaceMicrophone(): Promise<void> {
    const { connection } = this;
    const microphone = await this.openMicrophone();
    if (connection === null || this.connection !== connection) {
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
}
