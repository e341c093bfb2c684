import { describe, expect, it } from 'vitest';
import { between, figuresOf, troubleOf, type Condition } from './quality';

const report = (at: number, received: number, lost: number, concealed: number): [string, object][] =>
  Object.entries({
    in: { type: 'inbound-rtp', kind: 'audio', packetsReceived: received, packetsLost: lost, totalSamplesReceived: at * 48, concealedSamples: concealed, silentConcealedSamples: 0, jitter: 0.012, codecId: 'c' },
    video: { type: 'inbound-rtp', kind: 'video', packetsReceived: 9e9, packetsLost: 9e9 },
    back: { type: 'remote-inbound-rtp', kind: 'audio', fractionLost: 0.25 },
    c: { type: 'codec', mimeType: 'audio/red' },
    t: { type: 'transport', selectedCandidatePairId: 'p', bytesSent: at, bytesReceived: 2 * at },
    p: { type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r', currentRoundTripTime: 0.04 },
    other: { type: 'candidate-pair', localCandidateId: 'r', remoteCandidateId: 'l', currentRoundTripTime: 9 },
    l: { type: 'local-candidate', candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' },
    r: { type: 'remote-candidate', candidateType: 'srflx', protocol: 'udp' },
  }).map(([id, stats]) => [id, { id, timestamp: at, ...stats }]);

describe('the quality of a connection', () => {
  it('is read from two reports', () => {
    expect(between(figuresOf(report(1000, 50, 0, 0)), figuresOf(report(3000, 140, 10, 4800)))).toEqual({
      sending: 8, receiving: 16, lossHere: 0.1, lossThere: 0.25, concealed: 0.05, roundTrip: 40, jitter: 12,
      codec: 'red', own: 'relay', theirs: 'srflx', protocol: 'tls', relayed: true,
    });
  });

  it.each([
    ['selected', { p: { selected: true }, other: { selected: false, nominated: true, state: 'succeeded' } }],
    ['nominated', { p: { nominated: true, state: 'succeeded' }, other: { nominated: true, state: 'failed' } }],
  ] as [string, Record<string, object>][])('is read from the pair that is %s where no transport is told of', (_, more) => {
    const without = (at: number) =>
      report(at, 50, 0, 0)
        .filter(([id]) => id !== 't')
        .map(([id, stats]): [string, object] => [id, { ...stats, ...(id === 'p' && { bytesSent: at, bytesReceived: 2 * at }), ...more[id] }]);
    expect(between(figuresOf(without(1000)), figuresOf(without(3000)))).toMatchObject({
      sending: 8, receiving: 16, roundTrip: 40, own: 'relay', theirs: 'srflx', protocol: 'tls', relayed: true,
    });
  });

  it('is unknown without media, and not bad', () => {
    const none = figuresOf([]);
    expect(between(none, none)).toMatchObject({ lossHere: 0, concealed: 0, roundTrip: 0, relayed: false });
  });

  const condition = (change: Partial<Condition> = {}): Condition => ({ ...between(figuresOf([]), figuresOf([])), ...change });
  const always = (change: Partial<Condition>) => Array.from({ length: 3 }, () => condition(change));

  it.each([
    [{}, null],
    [{ lossHere: 0.2 }, 'here'],
    [{ concealed: 0.2 }, 'here'],
    [{ lossThere: 0.2 }, 'there'],
    [{ lossHere: 0.2, lossThere: 0.2 }, 'both'],
    [{ roundTrip: 1000 }, 'slow'],
  ])('%j is said as %j', (change, trouble) => {
    expect(troubleOf(always(change))).toBe(trouble);
  });

  it('is not said of one bad moment', () => {
    expect(troubleOf([condition({ lossHere: 1 }), condition(), condition({ lossHere: 1 })])).toBe(null);
    expect(troubleOf([condition({ lossHere: 1 })])).toBe(null);
  });
});
