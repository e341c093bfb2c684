import 'fake-indexeddb/auto';
import { get } from 'svelte/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { forget, openDatabase, type Database } from './database';
import { Drafts } from './drafts';
import { Problem } from './errors';
import { FakeLocks } from './locks.fake';
import type { Interruption } from './note';
import { Notes } from './notes';
import type { Events } from './recorder';

class FakeRecorder {
  did: string[] = [];
  constructor(readonly events: Events) {}
  pause() {
    this.did.push('pause');
  }
  resume() {
    this.did.push('resume');
  }
  stop() {
    this.did.push('stop');
    this.events.onChunk(new Blob(['end']));
    return Promise.resolve();
  }
  /** records for a while: as long as it is then, with the chunk of it. */
  records(durationMs: number, chunk = `${durationMs} `) {
    this.events.onHeard(durationMs, 0.5);
    this.events.onChunk(new Blob([chunk]));
  }
}

describe('Notes', () => {
  let db: Database;
  let drafts: Drafts;
  let locks: FakeLocks;
  let notes: Notes;
  let recorder: FakeRecorder;
  let tracks: { stopped: boolean }[];
  let microphone: () => Promise<MediaStream>;
  let inCall: boolean;
  let ended: Interruption[];
  let undo: (() => void)[];
  let flushed: number;

  beforeEach(async () => {
    db = await openDatabase('me');
    locks = new FakeLocks();
    tracks = [];
    ended = [];
    undo = [];
    flushed = 0;
    inCall = false;
    microphone = () => {
      const track = { stopped: false };
      tracks.push(track);
      return Promise.resolve({ getTracks: () => [{ stop: () => (track.stopped = true) }] } as unknown as MediaStream);
    };
    drafts = tab();
    notes = new Notes({
      db,
      drafts,
      flush: () => Promise.resolve(void flushed++),
      inCall: () => inCall,
      limitMs: () => 60_000,
      onEnded: (why) => ended.push(why),
      onDiscarded: (back) => undo.push(back),
      microphone: () => microphone(),
      type: () => 'audio/webm;codecs=opus',
      recorder: (_, __, events) => (recorder = new FakeRecorder(events)),
    });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await notes.close();
    drafts.close();
    db.close();
    await forget('me');
  });

  function tab(): Drafts {
    const made: Drafts = new Drafts({ name: 'me', db, locks, onChange: () => made.show(), now: () => 1 });
    return made;
  }

  const found = async () => {
    await drafts.show();
    return get(drafts.found);
  };
  const outbox = () => db.getAll('outbox');
  const text = async (note: { cid: string }) => (await notes.sound(note)).text();
  const listening = () => tracks.filter(({ stopped }) => !stopped).length;

  it('sends what was recorded, whole and once, under the cid of the draft', async () => {
    await notes.start('bob');
    recorder.records(500);
    recorder.records(1_000);
    const { cid } = get(notes.note)!;
    await Promise.all([notes.send(), notes.send()]);
    expect(get(notes.note)).toBeNull();
    expect(await outbox()).toMatchObject([{ cid, to: 'bob', state: 'waiting', note: { durationMs: 1_000 } }]);
    expect(await text({ cid })).toBe('500 1000 end');
    expect(await found()).toEqual([]);
    expect(flushed).toBe(1);
    expect(listening()).toBe(0);
  });

  it('records the next one at once, while the last chunk of the one before is stored', async () => {
    await notes.start('bob');
    recorder.records(500);
    const sent = notes.send();
    await notes.start('eve');
    expect(get(notes.note)).toMatchObject({ to: 'eve', phase: 'recording' });
    await sent;
    expect(await outbox()).toMatchObject([{ to: 'bob', note: { durationMs: 500 } }]);
    expect(listening()).toBe(1);
  });

  it('lets go of the microphone when it is taken back while the draft is begun, and another is begun', async () => {
    const begin = drafts.begin.bind(drafts);
    let taken: Promise<void> | undefined;
    vi.spyOn(drafts, 'begin').mockImplementationOnce(async (to, type) => {
      const cid = await begin(to, type);
      await notes.discard();
      taken = notes.start('eve');
      return cid;
    });
    await notes.start('bob');
    await taken;
    expect(get(notes.note)).toMatchObject({ to: 'eve', phase: 'recording' });
    expect(listening()).toBe(1);
    await notes.discard();
    expect(listening()).toBe(0);
  });

  it('has stored every chunk while it records', async () => {
    await notes.start('bob');
    recorder.records(500);
    recorder.records(1_000);
    const { cid } = get(notes.note)!;
    expect(await text({ cid })).toBe('500 1000 ');
    expect(await db.get('drafts', cid)).toMatchObject({ chunks: 2, durationMs: 1_000 });
    expect(await found()).toEqual([]); // it is recorded here
  });

  it('is found by another tab when this one dies', async () => {
    await notes.start('bob');
    recorder.records(500);
    await text({ cid: get(notes.note)!.cid });
    const other = tab();
    await other.recall();
    expect(get(other.found)).toEqual([]);
    locks.died();
    await other.recall();
    expect(get(other.found)).toMatchObject([{ to: 'bob', durationMs: 500 }]);
    const [{ cid } = { cid: '' }] = get(other.found);
    expect(await Promise.all([other.send(cid), drafts.send(cid)])).toEqual([true, false]);
    expect(await outbox()).toHaveLength(1);
  });

  it('sends by letting go', async () => {
    await notes.start('bob', true);
    recorder.records(300);
    await notes.letGo();
    expect(get(notes.note)).toMatchObject({ phase: 'recording', held: false });
    await notes.send();
    await notes.start('bob', true);
    recorder.records(900);
    await notes.letGo();
    expect(await outbox()).toHaveLength(2);
  });

  it('lets what was thrown away come back, for five seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await notes.start('bob');
    recorder.records(500);
    await notes.discard();
    expect(listening()).toBe(0);
    expect(await found()).toEqual([]);
    vi.advanceTimersByTime(4_900);
    undo[0]!();
    await vi.waitFor(async () => expect(await found()).toHaveLength(1));
    const [draft] = await found();
    await notes.discardDraft(draft!.cid);
    vi.advanceTimersByTime(5_000);
    undo[1]!();
    await vi.waitFor(async () => expect(await db.count('chunks')).toBe(0));
    expect(await db.count('drafts')).toBe(0);
    expect(await outbox()).toEqual([]);
  });

  it('forgets what was thrown away when the page ends before that', async () => {
    await notes.start('bob');
    recorder.records(500);
    await notes.discard();
    locks.died();
    const other = tab();
    await other.recall();
    expect(get(other.found)).toEqual([]);
    expect(await db.count('chunks')).toBe(0);
  });

  it('pauses for a call, and goes on', async () => {
    await notes.start('bob', true);
    recorder.records(900);
    notes.interrupt('call');
    await notes.letGo(); // the finger comes up later
    expect(get(notes.note)).toMatchObject({ phase: 'paused', why: 'call' });
    expect(await outbox()).toEqual([]);
    notes.resume();
    expect(recorder.did).toEqual(['pause', 'resume']);
    expect(get(notes.note)!.phase).toBe('recording');
  });

  it.each<[Interruption, (events: Events) => void]>([
    ['limit', (events) => events.onHeard(60_000, 0)],
    ['microphone', (events) => events.onGone()],
  ])('leaves a draft when the end comes by itself: %s', async (why, happens) => {
    await notes.start('bob', true);
    recorder.records(900);
    happens(recorder.events);
    await vi.waitFor(() => expect(ended).toEqual([why]));
    await notes.letGo();
    expect(get(notes.note)).toBeNull();
    expect(await found()).toHaveLength(1);
    expect(await outbox()).toEqual([]);
    expect(listening()).toBe(0);
  });

  it('keeps the beginning when this browser can store no more', async () => {
    await notes.start('bob');
    recorder.records(500);
    const { cid } = get(notes.note)!;
    await text({ cid });
    vi.spyOn(drafts, 'append').mockRejectedValueOnce(new DOMException('full', 'QuotaExceededError'));
    recorder.records(1_000);
    recorder.records(1_500);
    await vi.waitFor(() => expect(ended).toEqual(['storage']));
    expect(await found()).toMatchObject([{ cid, durationMs: 500 }]);
    expect(await text({ cid })).toBe('500 ');
  });

  it('leaves a draft when another note is begun', async () => {
    await notes.start('bob');
    recorder.records(500);
    notes.interrupt('left');
    await notes.start('ann');
    expect(get(notes.note)).toMatchObject({ to: 'ann', phase: 'recording' });
    expect(await found()).toMatchObject([{ to: 'bob' }]);
    expect(listening()).toBe(1);
  });

  it('records nothing when given up before the microphone was open', async () => {
    let open = (_: MediaStream) => {};
    const real = microphone;
    microphone = () => new Promise((resolve) => (open = resolve));
    const started = notes.start('bob');
    await vi.waitFor(() => expect(get(notes.note)?.phase).toBe('opening'));
    await notes.discard();
    open(await real());
    await started;
    expect(get(notes.note)).toBeNull();
    expect(listening()).toBe(0);
    expect(await db.count('drafts')).toBe(0);
  });

  it('says why it does not begin', async () => {
    inCall = true;
    await expect(notes.start('bob')).rejects.toMatchObject({ code: 'already_in_call' });
    inCall = false;
    microphone = () => Promise.reject(new Problem('microphone', 'It is blocked.'));
    await expect(notes.start('bob')).rejects.toThrow('It is blocked.');
    expect(get(notes.note)).toBeNull();
  });
});
