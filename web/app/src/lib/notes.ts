// The voice note that this tab records, one at a time: what is done about each
// state.
//
// It owns the microphone and the recorder from the press until the note is
// sent, thrown away or stopped. Whatever is recorded is a draft already, so
// that nothing here can lose it: an interruption pauses, and what ends the
// recording leaves the draft.

import { get, writable, type Readable } from 'svelte/store';
import { soundOf, type Drafts } from './drafts';
import type { Database } from './database';
import { Problem } from './errors';
import { close, openMicrophone } from './microphone';
import { sound } from './settings';
import { heard, letGo, lock, opened, opening, pause, resume, type Interruption, type Note } from './note';
import { Recorder, recordingType, type Events } from './recorder';
import { Sentences } from './wire';
import type * as wire from './wire';

export interface Options {
  db: Database;
  drafts: Drafts;
  /** sends what was put into the outbox */
  flush: () => Promise<void>;
  /** whether the microphone is in a call */
  inCall: () => boolean;
  /** the longest note that the server takes, ms */
  limitMs: () => number;
  /** a note was thrown away, which `undo` can undo for so long */
  onDiscarded: (undo: () => void, forMs: number) => void;
  /** the recording ended without being asked to; what there is of it is a draft */
  onEnded: (why: Interruption) => void;
  microphone?: () => Promise<MediaStream>;
  type?: () => string;
  recorder?: (microphone: MediaStream, type: string, events: Events) => Pick<Recorder, 'pause' | 'resume' | 'stop'>;
}

/** Throwing a note away can be undone for this long. */
const undoFor = 5_000; // ms

export class Notes {
  /** the note that is recorded here */
  readonly note: Readable<Note | null>;

  private readonly options: Required<Options>;
  private readonly shown = writable<Note | null>(null);
  private recorder: ReturnType<Required<Options>['recorder']> | null = null;
  private microphone: MediaStream | null = null;
  private storing: Promise<unknown> = Promise.resolve(); // chunks, one after the other
  private finishing: Promise<unknown> = Promise.resolve(); // the note before, until nothing of it is on the page
  private starts = 0;
  private gone: { cid: string; timer: ReturnType<typeof setTimeout> } | null = null; // thrown away just now

  constructor(options: Options) {
    this.options = {
      microphone: () => openMicrophone(sound()),
      type: () => recordingType('Call instead, and leave a message.'),
      recorder: (microphone, type, events) => new Recorder(microphone, type, events),
      ...options,
    };
    this.note = this.shown;
  }

  /** close stops recording; what there is stays as a draft. */
  async close(): Promise<void> {
    await this.end();
    await this.forget();
  }

  /** start records for somebody, by a press that is `held` or not. Rejects with a Problem, and then there is no note. */
  async start(to: wire.AccountID, held = false): Promise<void> {
    if (this.options.inCall()) {
      throw new Problem('already_in_call', Sentences.already_in_call);
    }
    if (get(this.shown)?.phase === 'opening') {
      return;
    }
    await this.end();
    if (get(this.shown) !== null) {
      return; // another press was first
    }
    const type = this.options.type();
    const start = ++this.starts;
    let microphone: MediaStream | undefined;
    this.shown.set(opening(to, held));
    try {
      microphone = await this.options.microphone();
      if (!this.stillOpening(start)) {
        close(microphone);
        return;
      }
      const cid = await this.options.drafts.begin(to, type);
      if (!this.stillOpening(start)) {
        close(microphone);
        await this.options.drafts.remove(cid);
        return;
      }
      this.microphone = microphone;
      this.recorder = this.options.recorder(microphone, type, this.events(cid));
      this.update((note) => opened(note, cid));
      if (this.options.inCall()) {
        this.interrupt('call');
      }
    } catch (error) {
      if (microphone) {
        close(microphone);
      }
      if (this.stillOpening(start)) {
        this.shown.set(null);
      }
      throw error instanceof Problem ? error : new Problem('recorder', 'The voice note could not be recorded. Try again.');
    }
  }

  /** letGo ends the press that began the note: after a while, that sends it. */
  async letGo(): Promise<void> {
    const note = get(this.shown);
    if (note !== null) {
      const after = letGo(note);
      this.shown.set(after.note);
      if (after.send) {
        await this.send();
      }
    }
  }

  /** lock lets the recording go on without being held. */
  lock(): void {
    this.update(lock);
  }

  pause(): void {
    this.rest();
  }

  resume(): void {
    const note = get(this.shown);
    if (note?.phase === 'paused') {
      this.shown.set(resume(note));
      this.recorder?.resume();
    }
  }

  /** interrupt pauses because of something else. */
  interrupt(why: Interruption): void {
    this.rest(why);
  }

  /** send hands the note to the outbox; from there it goes by itself. */
  async send(): Promise<void> {
    const cid = await this.finish();
    if (cid) {
      await this.sendDraft(cid);
    }
  }

  async sendDraft(cid: string): Promise<void> {
    await this.options.drafts.send(cid);
    void this.options.flush();
  }

  /** discard throws the note away. */
  async discard(): Promise<void> {
    const cid = await this.finish();
    if (cid) {
      await this.discardDraft(cid);
    }
  }

  async discardDraft(cid: string): Promise<void> {
    void this.forget();
    this.gone = { cid, timer: setTimeout(() => void this.forget(), undoFor) };
    this.options.onDiscarded(() => void this.undo(cid), undoFor);
    await this.options.drafts.discard(cid);
  }

  private async undo(cid: string): Promise<void> {
    if (this.gone?.cid === cid) {
      clearTimeout(this.gone.timer);
      this.gone = null;
      await this.options.drafts.restore(cid);
    }
  }

  /** sound is what is recorded of a note so far. */
  async sound(note: { cid: string; type?: string }): Promise<Blob> {
    await this.storing;
    return soundOf(this.options.db, { cid: note.cid, type: note.type ?? this.options.type() });
  }

  /** end stops recording; what there is becomes a draft like any other. */
  private async end(): Promise<void> {
    const cid = await this.finish();
    if (cid) {
      await this.options.drafts.release(cid);
    }
  }

  /** finish takes the note off the page when its last chunk is stored, and returns its cid; none if somebody else does it. */
  private async finish(): Promise<string | undefined> {
    const note = get(this.shown);
    const { recorder } = this;
    if (note?.phase === 'opening') {
      this.shown.set(null); // start sees it
    }
    if (recorder === null) {
      await this.finishing;
      return undefined;
    }
    this.recorder = null;
    const finishing = this.settle(recorder);
    this.finishing = finishing.catch(() => {}); // whoever finishes is told
    await finishing;
    return note?.cid;
  }

  private async settle(recorder: NonNullable<typeof this.recorder>): Promise<void> {
    await recorder.stop(); // tells how long it is, which the last chunk is stored with
    this.closeMicrophone();
    await this.storing;
    this.shown.set(null);
  }

  /** rest pauses. The recorder first: it tells how long the note is. */
  private rest(why?: Interruption): void {
    this.recorder?.pause();
    this.update((note) => pause(note, why));
  }

  private events(cid: string): Events {
    let whole = true; // a file with a hole in it is worth less than its beginning
    return {
      onChunk: (chunk) => {
        this.storing = this.storing.then(async () => {
          try {
            if (whole) {
              await this.store(cid, chunk);
            }
          } catch {
            whole = false;
            this.ended('storage');
          }
        });
      },
      onHeard: (durationMs, level) => {
        this.update((note) => heard(note, durationMs, level));
        if (durationMs >= this.options.limitMs()) {
          this.ended('limit');
        }
      },
      onGone: () => this.ended('microphone'),
    };
  }

  private async store(cid: string, chunk: Blob): Promise<void> {
    const sound = await chunk.arrayBuffer();
    const { durationMs, levels } = get(this.shown)!; // it stays until its last chunk is stored
    await this.options.drafts.append(cid, sound, durationMs, levels);
  }

  private ended(why: Interruption): void {
    if (this.recorder !== null) {
      void this.end().then(() => this.options.onEnded(why));
    }
  }

  /** forget makes final what was thrown away. */
  private async forget(): Promise<void> {
    const { gone } = this;
    this.gone = null;
    if (gone !== null) {
      clearTimeout(gone.timer);
      await this.options.drafts.remove(gone.cid);
    }
  }

  /** stillOpening is false when what a start began was taken back, even if another has begun since. */
  private stillOpening(start: number): boolean {
    return start === this.starts && get(this.shown)?.phase === 'opening';
  }

  private closeMicrophone(): void {
    if (this.microphone !== null) {
      close(this.microphone);
      this.microphone = null;
    }
  }

  private update(change: (note: Note) => Note): void {
    this.shown.update((note) => (note === null ? null : change(note)));
  }
}
