// How the connection of a call is, from its statistics (W3C webrtc-stats).

/** Figures are what one look at the statistics says; what is not known is left out. */
export interface Figures {
  /** ms, Unix */
  at: number;
  /** of the sound from the far end, since the beginning */
  received: number;
  lost: number;
  samples: number;
  concealed: number;
  bytesReceived: number;
  bytesSent: number;
  /** s */
  jitter?: number;
  /** s, to the far end and back */
  roundTrip?: number;
  /** of what this side sends, as the far end tells: 0 to 1 */
  lostThere?: number;
  codec?: string;
  /** host, srflx, prflx or relay */
  own?: string;
  theirs?: string;
  protocol?: string;
}

/** Condition is how the connection was between two looks. */
export interface Condition {
  /** kbit/s */
  sending: number;
  receiving: number;
  /** 0 to 1 */
  lossHere: number;
  lossThere: number;
  /** of what was played: made up, because it was missing */
  concealed: number;
  /** ms */
  roundTrip: number;
  jitter: number;
  codec: string;
  own: string;
  theirs: string;
  protocol: string;
  relayed: boolean;
}

/** Trouble is what is bad enough to say: what this side hears, what the far end hears, or both. */
export type Trouble = 'here' | 'there' | 'both' | 'slow' | null;

type Stats = { type: string; id: string; timestamp: number } & Record<string, unknown>;

/** figuresOf reads a report. */
export function figuresOf(report: Iterable<[string, unknown]>): Figures {
  const all = new Map([...report] as [string, Stats][]);
  const transported = [...all.values()].some(({ type }) => type === 'transport');
  const figures: Figures = { at: 0, received: 0, lost: 0, samples: 0, concealed: 0, bytesReceived: 0, bytesSent: 0 };
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  for (const one of all.values()) {
    figures.at = Math.max(figures.at, one.timestamp);
    const audio = one.kind === 'audio';
    if (one.type === 'inbound-rtp' && audio) {
      figures.received += number(one.packetsReceived);
      figures.lost += number(one.packetsLost);
      figures.samples += number(one.totalSamplesReceived);
      // What is silent on purpose is not missing.
      figures.concealed += number(one.concealedSamples) - number(one.silentConcealedSamples);
      figures.jitter = number(one.jitter);
      const codec = all.get(String(one.codecId));
      if (codec) {
        figures.codec = String(codec.mimeType).replace(/^audio\//, '');
      }
    } else if (one.type === 'remote-inbound-rtp' && audio) {
      figures.lostThere = number(one.fractionLost);
    } else if (one.type === 'transport' || (!transported && carries(one))) {
      figures.bytesReceived += number(one.bytesReceived);
      figures.bytesSent += number(one.bytesSent);
      const pair = one.type === 'transport' ? all.get(String(one.selectedCandidatePairId)) : one;
      const [own, theirs] = [all.get(String(pair?.localCandidateId)), all.get(String(pair?.remoteCandidateId))];
      if (pair && own && theirs) {
        figures.roundTrip = number(pair.currentRoundTripTime);
        figures.own = String(own.candidateType);
        figures.theirs = String(theirs.candidateType);
        figures.protocol = String(own.relayProtocol ?? own.protocol);
      }
    }
  }
  return figures;
}

/** carries reports whether a pair of candidates is the one in use, for browsers that do not tell of the transport. */
function carries({ type, selected, nominated, state }: Stats): boolean {
  return type === 'candidate-pair' && (selected === true || (selected === undefined && nominated === true && state === 'succeeded'));
}

/** between is the condition from one look to the next. */
export function between(before: Figures, after: Figures): Condition {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const rate = (from: number, to: number) => (Math.max(0, to - from) * 8) / 1000 / seconds;
  const lost = Math.max(0, after.lost - before.lost);
  const expected = lost + Math.max(0, after.received - before.received);
  const samples = after.samples - before.samples;
  return {
    sending: rate(before.bytesSent, after.bytesSent),
    receiving: rate(before.bytesReceived, after.bytesReceived),
    lossHere: expected > 0 ? lost / expected : 0,
    lossThere: after.lostThere ?? 0,
    concealed: samples > 0 ? Math.min(1, Math.max(0, (after.concealed - before.concealed) / samples)) : 0,
    roundTrip: (after.roundTrip ?? 0) * 1000,
    jitter: (after.jitter ?? 0) * 1000,
    codec: after.codec ?? '',
    own: after.own ?? '',
    theirs: after.theirs ?? '',
    protocol: after.protocol ?? '',
    relayed: after.own === 'relay' || after.theirs === 'relay',
  };
}

/** Loss that can be heard, and a delay with which people begin to interrupt each other (ITU-T G.114). */
const bad = { loss: 0.08, concealed: 0.05, roundTrip: 800 };

/** troubleOf judges the last looks, newest last: one bad moment is not worth saying. */
export function troubleOf(conditions: Condition[]): Trouble {
  const last = conditions.slice(-3);
  if (last.length < 3) {
    return null;
  }
  const always = (is: (condition: Condition) => boolean) => last.every(is);
  const here = always(({ lossHere, concealed }) => lossHere > bad.loss || concealed > bad.concealed);
  const there = always(({ lossThere }) => lossThere > bad.loss);
  if (here || there) {
    return here && there ? 'both' : here ? 'here' : 'there';
  }
  return always(({ roundTrip }) => roundTrip > bad.roundTrip) ? 'slow' : null;
}
