// For tests: a peer connection that negotiates with nobody, and remembers.

export class FakeChannel {
  readyState = 'connecting';
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  constructor(
    readonly label: string,
    readonly protocol = '',
  ) {}
  send(data: string): void {
    this.sent.push(data);
  }
  close(): void {
    this.readyState = 'closed';
  }
  become(state: 'open' | 'closed'): void {
    this.readyState = state;
    (state === 'open' ? this.onopen : this.onclose)?.();
  }
}

/** FakeConnection follows the signaling states of WebRTC 1.0 section 4.3.2, rollback included. */
export class FakeConnection {
  static all: FakeConnection[] = [];
  static get last(): FakeConnection {
    return FakeConnection.all.at(-1)!;
  }
  onicecandidate: ((event: { candidate: object | null }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  onnegotiationneeded: (() => void) | null = null;
  ondatachannel: ((event: { channel: FakeChannel }) => void) | null = null;
  ontrack: ((event: object) => void) | null = null;
  connectionState = 'new';
  signalingState = 'stable';
  closed = false;
  /** what was done with it, in order */
  log: string[] = [];
  remote: string[] = [];
  local: string[] = [];
  candidates: string[] = [];
  channels: FakeChannel[] = [];
  /** describes itself with it */
  codec = '';
  refuse = (_what: string) => false;
  private needed = false;
  private fresh = false; // the next offer is a restart
  private owed = false; // an own offer was taken back for one of the far end
  readonly number = FakeConnection.all.push(this);

  constructor(public config: RTCConfiguration) {}

  addTrack(track: object): object {
    this.need();
    return { track };
  }
  removeTrack(): void {
    this.need();
  }
  getTransceivers(): object[] {
    return [];
  }
  getStats(): Promise<Map<string, object>> {
    return Promise.resolve(new Map());
  }
  createDataChannel(label: string, { protocol }: { protocol: string }): FakeChannel {
    const channel = new FakeChannel(label, protocol);
    this.channels.push(channel);
    this.need();
    return channel;
  }
  restartIce(): void {
    this.fresh = true;
    this.need();
  }
  createOffer(): Promise<object> {
    return Promise.resolve({ type: 'offer', sdp: `${this.codec}offer ${this.number}${this.fresh ? ' restart' : ''}` });
  }
  createAnswer(): Promise<object> {
    return Promise.resolve({ type: 'answer', sdp: `${this.codec}answer ${this.number} to ${this.remote.at(-1)}` });
  }
  setLocalDescription({ type, sdp = '' }: { type: string; sdp?: string }): Promise<void> {
    if (type === 'rollback') {
      this.signalingState = 'stable';
      this.log.push('rollback');
      return Promise.resolve();
    }
    return this.told(sdp.includes('nack') ? 'local with nack' : `local ${type}`, () => {
      this.local.push(sdp);
      this.needed = type === 'answer' && this.owed;
      this.owed = false;
      this.enter(type === 'offer' ? 'have-local-offer' : 'stable');
    });
  }
  setRemoteDescription({ type, sdp }: { type: string; sdp: string }): Promise<void> {
    return this.told(`remote ${sdp}`, () => {
      this.remote.push(sdp);
      if (type === 'answer') {
        this.fresh = false;
      }
      this.enter(type === 'offer' ? 'have-remote-offer' : 'stable');
    });
  }
  addIceCandidate({ candidate }: { candidate: string }): Promise<void> {
    return this.told(`candidate ${candidate}`, () => this.candidates.push(candidate));
  }
  setConfiguration(config: RTCConfiguration): void {
    this.config = config;
    this.log.push(`policy ${config.iceTransportPolicy}`);
  }
  close(): void {
    this.closed = true;
    this.log.push('closed');
  }
  gather(candidate: string | null): void {
    this.onicecandidate?.({ candidate: candidate === null ? null : { candidate, sdpMid: '0', sdpMLineIndex: 0 } });
  }
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  need(): void {
    this.needed = true;
    queueMicrotask(() => this.ask());
  }

  private enter(state: string): void {
    this.owed ||= this.signalingState === 'have-local-offer' && state === 'have-remote-offer';
    this.signalingState = state;
    queueMicrotask(() => this.ask());
  }
  private ask(): void {
    if (this.needed && this.signalingState === 'stable') {
      this.onnegotiationneeded?.();
    }
  }
  private told(what: string, done: () => void): Promise<void> {
    if (this.refuse(what)) {
      return Promise.reject(new DOMException(what, 'OperationError'));
    }
    this.log.push(what);
    done();
    return Promise.resolve();
  }
}
