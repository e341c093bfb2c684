// What is being heard: one voice message at a time on this page, which goes on
// while one looks at something else.
//
// It owns the one audio element. Where one stops is kept in the mailbox, for all
// devices; what was really played is told once. Failure: a message that cannot
// be played says so, and stays where it is.

import { get, writable, type Readable } from 'svelte/store';
import { audioURL } from './api';
import type { Mailbox } from './mailbox';
import { Heard, alone, beginAt, behindSilence, faster, nextUnheard, silences, type Silence } from './playback';
import * as settings from './settings';
import type * as wire from './wire';

/** Now is the message that is being heard. Times are in seconds. */
export interface Now {
  message: wire.Message;
  voice: wire.Voice;
  position: number;
  playing: boolean;
  problem: string;
}

export interface Options {
  mailbox: Pick<Mailbox, 'played' | 'stopped' | 'behind'>;
  account: wire.AccountID;
  nameOf: (account: wire.AccountID) => string;
  /** for tests */
  audio?: HTMLAudioElement;
}

/** How often the place is kept while it plays. */
const keepEvery = 20_000; // ms
/** How far the keys of a headset jump. */
const jump = 10; // s

export class Hearing {
  readonly now: Readable<Now | null>;
  readonly rate: Readable<number>;

  private readonly shown = writable<Now | null>(null);
  private readonly speed = writable(settings.speed());
  private readonly audio: HTMLAudioElement;
  private heard: Heard | undefined;
  private silent: Silence[] = [];
  private queue: wire.Message[] = [];
  private keeping: ReturnType<typeof setInterval> | undefined;
  private kept = 0; // ms
  private readonly left = () => this.keep();

  constructor(private readonly options: Options) {
    this.now = this.shown;
    this.rate = this.speed;
    this.audio = options.audio ?? new Audio();
    this.audio.preload = 'auto';
    this.audio.addEventListener('play', () => this.began());
    this.audio.addEventListener('pause', () => this.paused());
    this.audio.addEventListener('timeupdate', () => this.moved());
    this.audio.addEventListener('ended', () => void this.ended());
    this.audio.addEventListener('error', () => this.failed());
    window.addEventListener('pagehide', this.left);
    this.offerKeys();
  }

  close(): void {
    window.removeEventListener('pagehide', this.left);
    this.stop();
  }

  /** toggle plays a message from where it was stopped, or pauses it. */
  async toggle(message: wire.Message): Promise<void> {
    const now = get(this.shown);
    if (now?.message.mid !== message.mid) {
      await this.play(message);
    } else if (now.playing) {
      this.audio.pause();
    } else {
      await this.start();
    }
  }

  /** play plays a message, and behind it the others. Without others it goes on by itself with what was not heard. */
  async play(message: wire.Message, others: wire.Message[] = []): Promise<void> {
    await this.playFrom(message, others, beginAt((message.resume_ms ?? 0) / 1000, (message.voice?.duration_ms ?? 0) / 1000));
  }

  private async playFrom(message: wire.Message, others: wire.Message[], at: number): Promise<void> {
    if (!message.voice) {
      return;
    }
    this.keep();
    const length = message.voice.duration_ms / 1000;
    this.queue = others;
    this.heard = new Heard(() => void this.options.mailbox.played(message));
    this.silent = silences(message.voice.waveform, length);
    this.kept = message.resume_ms ?? 0;
    this.audio.src = audioURL(message.mid, this.audio.canPlayType('audio/webm; codecs=opus') ? undefined : 'format=wav');
    this.audio.currentTime = at;
    this.shown.set({ message, voice: message.voice, position: at, playing: false, problem: '' });
    await this.start();
  }

  /** seek goes to a place of a message, which begins to be the one that is heard. */
  seek(message: wire.Message, to: number): void {
    if (get(this.shown)?.message.mid !== message.mid) {
      void this.playFrom(message, [], to);
      return;
    }
    this.heard?.jumped();
    this.audio.currentTime = to;
    this.change({ position: to });
    if (!get(this.shown)?.playing) {
      this.keep();
    }
  }

  /** jump goes so many seconds on, or back, in what is heard. */
  jump(seconds: number): void {
    const now = get(this.shown);
    if (now) {
      this.seek(now.message, Math.min(now.voice.duration_ms / 1000, Math.max(0, now.position + seconds)));
    }
  }

  /** stop ends it, and the small player goes. */
  stop(): void {
    this.keep();
    this.audio.pause();
    this.audio.removeAttribute('src');
    this.queue = [];
    this.shown.set(null);
    if ('mediaSession' in navigator) {
      navigator.mediaSession.metadata = null;
      navigator.mediaSession.playbackState = 'none';
    }
  }

  /** changeRate goes to the next speed; the pitch is kept. */
  changeRate(): void {
    const rate = faster(get(this.speed));
    settings.setSpeed(rate);
    this.speed.set(rate);
    this.audio.playbackRate = rate;
    this.tellPlace();
  }

  private async start(): Promise<void> {
    this.change({ problem: '' });
    this.audio.playbackRate = get(this.speed);
    try {
      await this.audio.play();
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'AbortError')) {
        this.failed();
      }
    }
  }

  private began(): void {
    alone(this.audio);
    this.change({ playing: true });
    clearInterval(this.keeping);
    this.keeping = setInterval(() => this.keep(), keepEvery);
    this.show();
  }

  private paused(): void {
    clearInterval(this.keeping);
    this.change({ playing: false });
    if (!this.audio.ended) {
      this.keep();
    }
    if ('mediaSession' in navigator) {
      navigator.mediaSession.playbackState = 'paused';
    }
  }

  private moved(): void {
    const now = get(this.shown);
    if (now === null || this.audio.ended) {
      return;
    }
    const at = this.audio.currentTime;
    this.heard?.at(at, now.playing);
    this.change({ position: at });
    const behind = settings.skipSilence() && now.playing ? behindSilence(this.silent, at) : undefined;
    if (behind !== undefined) {
      this.heard?.jumped();
      this.audio.currentTime = behind;
    }
    this.tellPlace();
  }

  private async ended(): Promise<void> {
    const now = get(this.shown);
    if (now === null) {
      return;
    }
    this.heard?.ended();
    this.change({ playing: false, position: 0 });
    this.keepAt(now.message, 0);
    await this.skip();
  }

  /** skip goes on with the next message, if there is one. */
  private async skip(): Promise<void> {
    const now = get(this.shown);
    const next = now && (await this.next(now.message));
    if (next && get(this.shown)?.message.mid === now.message.mid) {
      await this.play(next, this.queue);
    }
  }

  private async next(message: wire.Message): Promise<wire.Message | undefined> {
    if (this.queue.length > 0) {
      return this.queue.shift();
    }
    if (!settings.autoNext() || message.from === this.options.account) {
      return undefined;
    }
    return nextUnheard(await this.options.mailbox.behind(message, 100), this.options.account);
  }

  private failed(): void {
    if (this.audio.hasAttribute('src')) {
      this.change({ playing: false, problem: 'This message could not be played. Try again in a moment.' });
    }
  }

  /** keep tells where it is now, for all devices. */
  private keep(): void {
    const now = get(this.shown);
    if (now !== null && now.position > 0) {
      this.keepAt(now.message, Math.min(Math.round(now.position * 1000), now.voice.duration_ms));
    }
  }

  private keepAt(message: wire.Message, ms: number): void {
    if (ms !== this.kept) {
      this.kept = ms;
      this.options.mailbox.stopped(message, ms).catch(() => {}); // the page may be closing already
    }
  }

  private change(to: Partial<Now>): void {
    this.shown.update((now) => now && { ...now, ...to });
  }

  /** offerKeys lets the keys of keyboards, headsets and lock screens work (Media Session). */
  private offerKeys(): void {
    if (!('mediaSession' in navigator)) {
      return;
    }
    const handlers: [MediaSessionAction, MediaSessionActionHandler][] = [
      ['play', () => void this.start()],
      ['pause', () => this.audio.pause()],
      ['stop', () => this.stop()],
      ['seekbackward', () => this.jump(-jump)],
      ['seekforward', () => this.jump(jump)],
      ['seekto', ({ seekTime }) => this.jump((seekTime ?? 0) - (get(this.shown)?.position ?? 0))],
      ['nexttrack', () => void this.skip()],
    ];
    for (const [action, handler] of handlers) {
      try {
        navigator.mediaSession.setActionHandler(action, handler);
      } catch {
        // a browser that does not know the key does not send it
      }
    }
  }

  private show(): void {
    const now = get(this.shown);
    if (now && 'mediaSession' in navigator && 'MediaMetadata' in window) {
      const from = now.message.from === this.options.account ? 'you' : this.options.nameOf(now.message.from) || 'somebody';
      navigator.mediaSession.metadata = new MediaMetadata({ title: `Voice message from ${from}`, artist: 'Parley' });
      navigator.mediaSession.playbackState = 'playing';
    }
  }

  private tellPlace(): void {
    const now = get(this.shown);
    if (now && 'mediaSession' in navigator) {
      const duration = now.voice.duration_ms / 1000;
      navigator.mediaSession.setPositionState?.({ duration, playbackRate: get(this.speed), position: Math.min(duration, this.audio.currentTime) });
    }
  }
}
