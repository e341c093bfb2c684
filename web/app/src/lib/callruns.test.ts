import { describe, expect, it } from 'vitest';
import { calls, runs } from './callruns';
import type * as wire from './wire';

let seq = 0;

function call(from: string, outcome: wire.Outcome, more: Partial<wire.Message> = {}, duration_ms = 0): wire.Message {
  seq++;
  const other = from === 'me' ? 'bob' : from;
  return {
    ...{ mid: `m${seq}`, conv: other, seq, with: other, from, kind: 'call', time: new Date(2026, 6, 3, 12).getTime() },
    call: { call: `c${seq}`, outcome, ...(duration_ms && { duration_ms }) },
    ...more,
  };
}

const said = (messages: wire.Message[], missed = false) =>
  runs(messages, 'me', missed).map(({ message, mine, missed, count }) => `${message.with} ${mine ? 'out' : missed ? 'missed' : 'in'} ${count}`);

describe('runs', () => {
  it('puts calls that follow each other and are alike on one line', () => {
    expect(
      said([
        call('bob', 'no_answer'),
        call('bob', 'busy'),
        call('eve', 'no_answer'),
        call('bob', 'answered', {}, 5_000),
        call('bob', 'answered', {}, 9_000),
        call('me', 'no_answer'),
        call('me', 'no_answer'),
        call('me', 'declined'),
      ]),
    ).toEqual(['bob missed 2', 'eve missed 1', 'bob in 1', 'bob in 1', 'bob out 2', 'bob out 1']);
  });

  it('keeps days, messages and private texts apart', () => {
    const voice = { duration_ms: 1, waveform: '', bytes: 1 };
    expect(
      said([
        call('bob', 'no_answer'),
        call('bob', 'no_answer', { kind: 'voice', voice }),
        call('bob', 'no_answer', { time: new Date(2026, 6, 2, 12).getTime() }),
        call('bob', 'no_answer', { call: { call: 'c', outcome: 'no_answer', intent: 'text' } }),
      ]),
    ).toHaveLength(4);
  });

  it('shows the missed ones alone', () => {
    expect(said([call('bob', 'no_answer'), call('bob', 'answered', {}, 1_000), call('bob', 'offline')], true)).toEqual(['bob missed 2']);
  });
});

it('takes from this device what is a call, and asks for pages of both directions', async () => {
  const all = [call('bob', 'no_answer'), call('me', 'answered'), call('bob', 'busy', { folder: 'bin' }), { ...call('bob', 'busy'), call: undefined! }];
  const asked: object[] = [];
  const source = calls({
    held: async (fits) => all.filter(fits),
    fetchCalls: async (query) => {
      asked.push(query);
      return { type: 'calls.page', re: '1', messages: [] };
    },
  });
  expect(await source.held(10, 0)).toEqual(all.slice(0, 2));
  await source.fetch(50, undefined);
  await source.fetch(50, 'm1');
  expect(asked).toEqual([{ limit: 50 }, { limit: 50, before: 'm1' }]);
});
