import { describe, expect, it } from 'vitest';
import { get } from 'svelte/store';
import { disconnected } from './errors';
import { Pages } from './pages';
import { fits, rows, shelf } from './shelf';
import type * as wire from './wire';

const voice = { duration_ms: 1000, waveform: '', bytes: 1 };

function message(mid: string, more: Partial<wire.Message> = {}): wire.Message {
  return { mid, conv: 'c', seq: 1, with: 'bob', from: 'bob', kind: 'text', text: mid, time: 1, ...more };
}

function call(mid: string, from = 'bob', outcome: wire.Outcome = 'no_answer'): wire.Message {
  return message(mid, { kind: 'call', from, call: { call: mid, outcome } });
}

describe('fits', () => {
  const inbox = { folder: 'inbox', kind: '', words: '' } as const;

  it('shows what is saved in the inbox too, and the bin apart', () => {
    expect(fits(message('a', { folder: 'saved' }), inbox)).toBe(true);
    expect(fits(message('a', { folder: 'bin' }), inbox)).toBe(false);
    expect(fits(message('a', { folder: 'bin' }), { ...inbox, folder: 'bin' })).toBe(true);
    expect(fits(message('a'), { ...inbox, folder: 'saved' })).toBe(false);
  });

  it('leaves answered calls out', () => {
    expect(fits(call('a'), inbox)).toBe(true);
    expect(fits(call('a', 'bob', 'answered'), inbox)).toBe(false);
  });

  it('finds words in texts, comments and transcripts', () => {
    expect(fits(message('a', { text: 'The Key' }), { ...inbox, words: ' key ' })).toBe(true);
    expect(fits(message('a', { kind: 'voice', voice: { ...voice, transcript: 'ring me' } }), { ...inbox, words: 'RING' })).toBe(true);
    expect(fits(message('a', { comment: 'see this' }), { ...inbox, words: 'that' })).toBe(false);
  });
});

describe('rows', () => {
  it('puts what is new first, and missed calls of one person together', () => {
    const conversations = [{ conv: 'c', read: 5 }] as wire.Conversation[];
    const messages = [
      message('read', { seq: 5 }),
      message('new', { seq: 6 }),
      { ...call('x'), seq: 7 },
      { ...call('y'), seq: 8 },
      { ...call('z', 'eve'), seq: 9 },
      message('unheard', { seq: 2, kind: 'voice', voice }),
      message('heard', { seq: 3, kind: 'voice', voice, played: true }),
    ];
    expect(rows(messages, conversations, 'inbox').map(({ message, count }) => `${message.mid} ${count}`)).toEqual([
      'new 1', 'x 2', 'z 1', 'unheard 1', 'read 1', 'heard 1',
    ]);
  });
});

describe('a shelf', () => {
  it('shows what is held while the server is away, and asks again', async () => {
    let away = true;
    const asked: object[] = [];
    const source = shelf(
      {
        held: async (wanted) => [message('b'), message('a', { folder: 'bin' })].filter(wanted),
        fetchShelf: async (query) => {
          asked.push(query);
          if (away) {
            throw disconnected();
          }
          return { type: 'shelf.page', re: '1', messages: [message('b')], more: true };
        },
      },
      'me',
      { folder: 'inbox', kind: 'text', words: ' b ' },
    );
    const pages = new Pages(source, () => () => {});
    await expect.poll(() => get(pages.view).problem).not.toBe('');
    expect(get(pages.view)).toMatchObject({ loading: false, messages: [{ mid: 'b' }] });
    away = false;
    await pages.refresh();
    expect(get(pages.view)).toMatchObject({ problem: '', more: true, loading: false });
    await pages.older();
    expect(asked.slice(1)).toEqual([
      { folders: ['inbox', 'saved'], limit: 50, kinds: ['text'], words: 'b' },
      { folders: ['inbox', 'saved'], limit: 50, kinds: ['text'], words: 'b', before: 'b' },
    ]);
    pages.close();
  });
});
