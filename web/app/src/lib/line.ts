// The media of the call of this device: what is captured here, the leg that
// carries it, what comes from the far end, and what is done when it breaks off.
//
// It owns all of these from before the invite or the accept until the end; what
// the call is, livecall.ts knows. Failure: a broken connection is repaired again
// and again, and then given up.

import { get, writable, type Readable } from 'svelte/store';
import { Capture } from './capture';
import { Chat, type Holding } from './chat';
import { Leg, type Candidate, type Description } from './leg';
import { between, figuresOf, troubleOf, type Condition, type Figures, type Trouble } from './quality';
import { Repair } from './repair';
import { preferRedundancy } from './sdp';
import { Proof, type Words } from './trust';

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
  /** what becomes of private lines on their way */
  holding: Holding;
  /** something for the person, in a sentence */
  onNotice: (text: string) => void;
}

const lookEvery = 2_000; // ms

export class Line {
  /** what the far end says */
  readonly sound: Readable<MediaStream | null>;
  /** what the far end shows: camera, screen or both */
  readonly pictures: Readable<MediaStream[]>;
  /** to compare, so that nobody sits in between; see trust.ts */
  readonly words: Readable<Words | null>;
  readonly condition: Readable<Condition | null>;
  readonly trouble: Readable<Trouble>;
  readonly capture: Capture;
  readonly chat: Chat;

  private readonly heard = writable<MediaStream | null>(null);
  private readonly seen = writable<MediaStream[]>([]);
  private readonly compared = writable<Words | null>(null);
  private readonly looked = writable<Condition | null>(null);
  private readonly troubled = writable<Trouble>(null);

  private leg: Leg | null = null;
  private proof = new Proof(false); // of the leg
  private caller = false;
  private looking: ReturnType<typeof setInterval> | undefined;
  private readonly repair: Repair;

  constructor(private readonly options: Options) {
    this.sound = this.heard;
    this.pictures = this.seen;
    this.words = this.compared;
    this.condition = this.looked;
    this.trouble = this.troubled;
    this.repair = new Repair({ restart: () => this.restart(), giveUp: options.onLost });
    this.capture = new Capture(options);
    this.chat = new Chat({ typing: options.typing ?? (() => true), holding: options.holding });
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
        onAnother: () => {
          if (this.leg === leg) {
            this.compared.set('another');
          }
        },
        onSettled: () => {
          if (this.leg === leg) {
            this.compare();
          }
        },
        onState: current(this.options.onState),
        onTrack: current((event) => this.arrived(event)),
        onChannel: current((channel) => this.chat.attach(channel)),
      },
    );
    this.leg = leg;
    this.caller = !polite;
    this.proof = new Proof(this.caller);
    this.capture.carry(leg.connection);
    preferRedundancy(leg.connection);
    return leg;
  }

  /** write opens the channels of a text call, before its first offer. */
  write(): void {
    this.chat.begin(this.leg!.connection);
  }

  /** offer makes the first offer of the leg. */
  async offer(): Promise<string> {
    const { leg, proof } = this;
    return proof.offering(await leg!.offer());
  }

  /** answer takes the first offer of the far end, and answers it. */
  async answer(offer: string): Promise<string> {
    const { leg, proof } = this;
    return proof.answering(offer, await leg!.answer(offer));
  }

  /** reveal is what the server is told with the word that this side has media. */
  reveal(): { nonce?: string } {
    return this.proof.reveal();
  }

  /** began follows the beginning of the conversation, with what the far end reveals. */
  began(nonce?: string): void {
    if (this.looking !== undefined) {
      return;
    }
    this.proof.revealed(nonce);
    if (this.caller && this.capture.listens) {
      this.write(); // not before: what takes messages has no use for it
    }
    this.look();
    this.compare();
  }

  /** release lets own candidates go: the description they belong to has been sent. */
  release(): void {
    this.leg?.release();
  }

  /** answered takes the answer to the first offer. */
  async answered(answer: string): Promise<void> {
    const { leg, proof } = this;
    await leg?.answered(answer);
    proof.answered(answer);
  }

  candidate(candidate: Candidate): void {
    this.leg?.candidate(candidate);
  }

  /** offerAnew begins again with another far end; `negotiation` is that of the offer which the server has asked for. */
  async offerAnew(negotiation?: string): Promise<void> {
    const leg = this.connect(false);
    const sdp = await this.offer();
    if (this.leg === leg) {
      this.options.onDescription({ kind: 'offer', sdp, ...(negotiation !== undefined && { negotiation }) });
      leg.release();
    }
  }

  /** restart looks for new paths; what flows goes on until one is found. */
  restart(relayOnly = this.options.relayOnly()): void {
    this.leg?.restart(relayOnly);
  }

  /** again offers once more what is not answered: the offer or its answer may have been lost. */
  again(): void {
    this.leg?.again();
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

  /** drop closes the leg alone. */
  drop(): void {
    clearInterval(this.looking);
    this.looking = undefined;
    this.leg?.close();
    this.leg = null;
    this.capture.drop();
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
    this.capture.close();
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

  /** compare makes the words, once, when it has begun and both ends are named. */
  private compare(): void {
    const ends = this.leg?.ends();
    if (ends && this.looking !== undefined && get(this.compared) === null) {
      this.compared.set(this.proof.words(ends, this.leg!.certificate()));
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
