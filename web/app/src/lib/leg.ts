// This device's leg of a call: one RTCPeerConnection with the microphone on it.
//
// Order: descriptions and candidates from the far end are applied one after
// the other, as they came; candidates that come before any description wait.
// Own candidates wait until `release`, so that they never overtake the
// description they belong to. Failure: a refused description rejects; a
// refused candidate does not matter, another may do.

import { askForResends } from './sdp';

/** Candidate is an ICE candidate; an empty one ends them (RFC 8838 section 8.2). */
export interface Candidate {
  candidate: string;
  mid?: string;
  mline?: number;
}

export interface Events {
  onCandidate: (candidate: Candidate) => void;
  onState: (state: RTCPeerConnectionState) => void;
  onSound: (stream: MediaStream) => void;
}

export interface Config {
  ice: RTCIceServer[];
  /** send and receive through the relay only, which hides the own address */
  relayOnly: boolean;
  microphone: MediaStream;
  open?: (config: RTCConfiguration) => RTCPeerConnection;
}

export class Leg {
  private readonly pc: RTCPeerConnection;
  private chain: Promise<unknown> = Promise.resolve();
  private described = false;
  private released = false;
  private closed = false;
  private early: Candidate[] = []; // from the far end, before its description
  private held: Candidate[] = []; // own, before release

  constructor(
    private readonly config: Config,
    private readonly events: Events,
  ) {
    const open = config.open ?? ((settings) => new RTCPeerConnection(settings));
    this.pc = open(this.settings(config.relayOnly));
    for (const track of config.microphone.getAudioTracks()) {
      this.pc.addTrack(track, config.microphone);
    }
    this.pc.onicecandidate = ({ candidate }) => this.gathered(candidate);
    this.pc.onconnectionstatechange = () => events.onState(this.pc.connectionState);
    this.pc.ontrack = ({ streams, track }) => events.onSound(streams[0] ?? new MediaStream([track]));
  }

  /** offer makes and sets an offer. */
  offer(): Promise<string> {
    return this.next(async () => this.setLocal(await this.pc.createOffer()));
  }

  /** restart makes an offer for new paths (ICE restart, RFC 8839 section 4.4.1.1.1). */
  restart(relayOnly = this.config.relayOnly): Promise<string> {
    return this.next(async () => {
      this.pc.setConfiguration(this.settings(relayOnly));
      this.released = false;
      return this.setLocal(await this.pc.createOffer({ iceRestart: true }));
    });
  }

  /** answer takes the far end's offer, at first or for a restart, and answers it. */
  answer(offer: string): Promise<string> {
    return this.next(async () => {
      this.released = false;
      await this.setRemote({ type: 'offer', sdp: offer });
      return this.setLocal(await this.pc.createAnswer());
    });
  }

  /** answered takes the far end's answer to the own offer. */
  answered(answer: string): Promise<void> {
    return this.next(() => this.setRemote({ type: 'answer', sdp: answer }));
  }

  /** candidate takes one of the far end's candidates; an empty one ends them. */
  candidate(candidate: Candidate): void {
    if (!this.described) {
      this.early.push(candidate);
      return;
    }
    void this.next(() => this.add(candidate));
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
    this.pc.onicecandidate = this.pc.onconnectionstatechange = this.pc.ontrack = null;
    this.pc.close();
  }

  private settings(relayOnly: boolean): RTCConfiguration {
    return {
      iceServers: this.config.ice,
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
