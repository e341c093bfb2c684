// This device's leg of a call: one RTCPeerConnection, and the negotiation on it.
//
// The first offer and its answer travel with the invite and the accept. From
// then on either side may offer whenever its browser says that there is
// something to negotiate: media that came or went, or an ICE restart. When two
// offers cross, the polite side takes back its own (perfect negotiation, WebRTC
// 1.0 section 10.7). Each offer has an id that its answer brings back; an answer
// to another offer is thrown away, and an offer that nobody answers is made
// again, for frames about calls are sent at most once.
//
// Order: descriptions and candidates from the far end are applied one after
// the other, as they came; candidates that come before any description wait.
// The far end that the first of them names stays: one that names another is
// refused, for who was compared words with may not be replaced.
// Own candidates wait until `release`, so that they never overtake the
// description they belong to. Failure: a refused description rejects; a
// refused candidate does not matter, another may do.

import { newID } from './id';
import { askForResends, fingerprintsOf } from './sdp';

/** Candidate is an ICE candidate; an empty one ends them (RFC 8838 section 8.2). */
export interface Candidate {
  candidate: string;
  mid?: string;
  mline?: number;
}

/** Description is a later offer or answer. */
export interface Description {
  kind: 'offer' | 'answer';
  sdp: string;
  negotiation?: string | undefined;
}

export interface Events {
  onCandidate: (candidate: Candidate) => void;
  onDescription: (description: Description) => void;
  /** a description named another far end than the first, and was refused */
  onAnother: () => void;
  /** both descriptions are in force */
  onSettled: () => void;
  onState: (state: RTCPeerConnectionState) => void;
  onTrack: (event: RTCTrackEvent) => void;
  /** the far end opened a data channel */
  onChannel: (channel: RTCDataChannel) => void;
}

export interface Config {
  /** the relay servers as last told */
  ice: () => RTCIceServer[];
  /** send and receive through the relay only, which hides the own address */
  relayOnly: boolean;
  /** gives way when two offers cross; the callee */
  polite: boolean;
  open?: (config: RTCConfiguration) => RTCPeerConnection;
  newID?: () => string;
}

/** How long an answer may take before the offer is made again. */
const answerWithin = 8_000; // ms

export class Leg {
  private readonly pc: RTCPeerConnection;
  private chain: Promise<unknown> = Promise.resolve();
  private begun = false; // the first offer was answered
  private described = false;
  private named: string[] | undefined; // fingerprints of the far end
  private released = false;
  private closed = false;
  private open: string | null = null; // the id of the own later offer that waits for its answer
  private overdue: ReturnType<typeof setTimeout> | undefined;
  private early: Candidate[] = []; // from the far end, before its description
  private held: Candidate[] = []; // own, before release

  constructor(
    private readonly config: Config,
    private readonly events: Events,
  ) {
    const open = config.open ?? ((settings) => new RTCPeerConnection(settings));
    this.pc = open(this.settings(config.relayOnly));
    this.pc.onicecandidate = ({ candidate }) => this.gathered(candidate);
    this.pc.onconnectionstatechange = () => events.onState(this.pc.connectionState);
    this.pc.ontrack = (event) => events.onTrack(event);
    this.pc.ondatachannel = ({ channel }) => events.onChannel(channel);
    this.pc.onnegotiationneeded = () => this.negotiate();
  }

  /** connection is for what needs no order: tracks, channels, statistics. */
  get connection(): RTCPeerConnection {
    return this.pc;
  }

  /** ends are the fingerprints of this side and of the far end, once both are in force. */
  ends(): [own: string[], theirs: string[]] | null {
    const { currentLocalDescription: own, currentRemoteDescription: theirs } = this.pc;
    return own && theirs && this.named ? [fingerprintsOf(own.sdp), this.named] : null;
  }

  /** certificate is what the far end has shown up with (DER), where the browser tells and it has. */
  certificate(): Uint8Array | undefined {
    const [receiver] = this.pc.getReceivers?.() ?? [];
    const transport = receiver?.transport ?? this.pc.sctp?.transport;
    const certificate = transport?.getRemoteCertificates?.()[0];
    return certificate && new Uint8Array(certificate);
  }

  /** offer makes and sets the first offer. */
  offer(): Promise<string> {
    return this.next(async () => this.setLocal(await this.pc.createOffer()));
  }

  /** answer takes the far end's first offer and answers it. */
  answer(offer: string): Promise<string> {
    return this.next(async () => {
      this.pin(offer);
      await this.setRemote({ type: 'offer', sdp: offer });
      this.begun = true;
      return this.setLocal(await this.pc.createAnswer());
    });
  }

  /** answered takes the far end's answer to the first offer. */
  answered(answer: string): Promise<void> {
    return this.next(async () => {
      if (!this.begun) {
        this.begun = true;
        this.pin(answer);
        await this.setRemote({ type: 'answer', sdp: answer });
        this.events.onSettled();
      }
    });
  }

  /** restart looks for new paths (ICE restart, RFC 8839 section 4.4.1.1.1). */
  restart(relayOnly = this.config.relayOnly): void {
    if (!this.closed) {
      this.pc.setConfiguration(this.settings(relayOnly));
      this.pc.restartIce(); // and so to negotiate
    }
  }

  /** again takes back the own offer that waits for its answer, if there is one, and offers anew. */
  again(): void {
    if (this.open !== null) {
      clearTimeout(this.overdue);
      this.renew(this.open);
    }
  }

  /** describe takes a later description of the far end. */
  describe(description: Description): Promise<void> {
    return this.next(() => (description.kind === 'offer' ? this.offered(description) : this.settled(description)));
  }

  /** candidate takes one of the far end's candidates; an empty one ends them. */
  candidate(candidate: Candidate): void {
    if (!this.described) {
      this.early.push(candidate);
      return;
    }
    void this.next(() => this.add(candidate)).catch(() => {}); // closed
  }

  /** release lets own candidates go: the description they belong to has been sent. */
  release(): void {
    this.released = true;
    const held = this.held;
    this.held = [];
    held.forEach(this.events.onCandidate);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.overdue);
    this.pc.onicecandidate = this.pc.onconnectionstatechange = this.pc.ontrack = this.pc.ondatachannel = this.pc.onnegotiationneeded = null;
    this.pc.close();
  }

  /** negotiate offers what has changed. While something is open it waits: the browser asks again. */
  private negotiate(): void {
    if (!this.begun) {
      return; // it goes with the first offer or its answer
    }
    void this.next(async () => {
      if (this.pc.signalingState !== 'stable') {
        return;
      }
      this.released = false;
      const sdp = await this.setLocal(await this.pc.createOffer());
      const negotiation = (this.config.newID ?? newID)();
      this.open = negotiation;
      this.overdue = setTimeout(() => this.renew(negotiation), answerWithin);
      this.describeTo({ kind: 'offer', sdp, negotiation });
    }).catch(() => {}); // closed, or asked again with the next change
  }

  /** renew takes back an offer that nobody has answered, and offers again. */
  private renew(negotiation: string): void {
    void this.next(async () => {
      if (this.open === negotiation) {
        this.open = null;
        await this.pc.setLocalDescription({ type: 'rollback' });
        this.negotiate();
      }
    }).catch(() => {});
  }

  private async offered({ sdp, negotiation }: Description): Promise<void> {
    if (this.pc.signalingState !== 'stable' && !this.config.polite) {
      return; // the own offer stands, and the other side takes it
    }
    this.pin(sdp);
    this.settle();
    await this.setRemote({ type: 'offer', sdp }); // takes back the own offer, if there is one
    this.released = false;
    const answer = await this.setLocal(await this.pc.createAnswer());
    this.describeTo({ kind: 'answer', sdp: answer, negotiation });
    this.events.onSettled();
  }

  private async settled({ sdp, negotiation }: Description): Promise<void> {
    if (this.open === null || negotiation !== this.open) {
      return; // late
    }
    this.pin(sdp);
    this.settle();
    await this.setRemote({ type: 'answer', sdp });
    this.events.onSettled();
  }

  /** pin throws when a description names another far end than the first one. */
  private pin(sdp: string): void {
    const named = fingerprintsOf(sdp);
    this.named ??= named;
    if (named.join() !== this.named.join()) {
      this.events.onAnother();
      throw new DOMException('The description names another end.', 'InvalidAccessError');
    }
  }

  private settle(): void {
    this.open = null;
    clearTimeout(this.overdue);
  }

  private describeTo(description: Description): void {
    this.events.onDescription(description);
    this.release();
  }

  private settings(relayOnly: boolean): RTCConfiguration {
    return {
      iceServers: this.config.ice(),
      iceTransportPolicy: relayOnly ? 'relay' : 'all',
      bundlePolicy: 'max-bundle',
    };
  }

  private async setLocal({ type, sdp = '' }: RTCSessionDescriptionInit): Promise<string> {
    const wanted = askForResends(sdp);
    try {
      await this.pc.setLocalDescription({ type, sdp: wanted });
      return wanted;
    } catch {
      // A browser that refuses the change still calls well without it.
      await this.pc.setLocalDescription({ type, sdp });
      return sdp;
    }
  }

  private async setRemote(description: RTCSessionDescriptionInit): Promise<void> {
    await this.pc.setRemoteDescription(description);
    this.described = true;
    const early = this.early;
    this.early = [];
    for (const candidate of early) {
      await this.add(candidate);
    }
  }

  private async add({ candidate, mid, mline }: Candidate): Promise<void> {
    try {
      await this.pc.addIceCandidate({ candidate, sdpMid: mid ?? null, sdpMLineIndex: mline ?? 0 });
    } catch {
      // Late ones of an earlier generation are refused, and rightly so.
    }
  }

  private gathered(candidate: RTCIceCandidate | null): void {
    if (candidate !== null && candidate.candidate === '') {
      return; // the end of one component; the end of all comes as null
    }
    const own: Candidate = { candidate: candidate?.candidate ?? '' };
    if (candidate?.sdpMid) {
      own.mid = candidate.sdpMid;
    }
    if (candidate?.sdpMLineIndex) {
      own.mline = candidate.sdpMLineIndex;
    }
    if (this.released) {
      this.events.onCandidate(own);
    } else {
      this.held.push(own);
    }
  }

  /** next runs work after everything before it; after close it stays undone. */
  private next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.chain.then(() => {
      if (this.closed) {
        throw new DOMException('The leg is closed.', 'InvalidStateError');
      }
      return work();
    });
    this.chain = done.catch(() => {});
    return done;
  }
}
