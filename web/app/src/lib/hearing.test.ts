import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';

const kept = new Map<string, string>();
vi.stubGlobal('window', new EventTarget());
const keys = new Map<string, () => void>(); // of a keyboard or a headset
vi.stubGlobal('navigator', { mediaSession: { setActionHandler: (action: string, handler: () => void) => keys.set(action, handler) } });
vi.stubGlobal('localStorage', {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => kept.set(key, value),
  removeItem: (key: string) => kept.delete(key),
});
const { Hearing } = await import('./hearing');
type Message = import('./wire').Message;

/** Sound is an audio element that plays as far as it is told. */
class Sound extends EventTarget {
  src = '';
  currentTime = 0;
  playbackRate = 1;
  preload = '';
  ended = false;
  canPlayType = (_type: string) => 'probably';
  play() {
    this.ended = false;
    this.dispatchEvent(new Event('play'));
    return Promise.resolve();
  }
  pause() {
    this.dispatchEvent(new Event('pause'));
  }
  removeAttribute() {
    this.src = '';
  }
  hasAttribute() {
    return this.src !== '';
  }
  goTo(seconds: number) {
    for (let at = this.currentTime; at < seconds; at += 0.25) {
      this.currentTime = at;
      this.dispatchEvent(new Event('timeupdate'));
    }
    this.currentTime = seconds;
    this.dispatchEvent(new Event('timeupdate'));
  }
  end() {
    this.ended = true;
    this.dispatchEvent(new Event('ended'));
  }
}

const voice = (mid: string, more: Partial<Message> = {}): Message => ({
  mid, conv: 'c', seq: 1, with: 'bob', from: 'bob', kind: 'voice', time: 1,
  voice: { duration_ms: 60_000, waveform: btoa('\u00ff\u0001\u0001\u00ff'), bytes: 1 }, ...more,
});

describe('Hearing', () => {
  let sound: Sound;
  let behind: Message[];
  let told: string[];
  let hearing: InstanceType<typeof Hearing>;

  beforeEach(() => {
    sound = new Sound();
    behind = [];
    told = [];
    hearing = new Hearing({
      audio: sound as unknown as HTMLAudioElement,
      account: 'me',
      nameOf: (account) => account,
      mailbox: {
        played: async ({ mid }) => void told.push(`played ${mid}`),
        stopped: async ({ mid }, ms) => void told.push(`${mid} at ${ms}`),
        behind: async () => behind,
      },
    });
  });
  afterEach(() => {
    hearing.close();
    kept.clear();
  });

  it('goes on a little before where it was stopped, and keeps where it stops', async () => {
    await hearing.toggle(voice('a', { resume_ms: 20_000 }));
    expect(sound.currentTime).toBe(17);
    sound.goTo(18);
    await hearing.toggle(voice('a'));
    expect(told).toEqual(['a at 18000']);
    expect(get(hearing.now)).toMatchObject({ playing: false, position: 18 });
  });

  it('counts as heard after some seconds were played, not by jumping', async () => {
    await hearing.play(voice('a'));
    hearing.seek(voice('a'), 40);
    sound.goTo(41.5);
    expect(told).toEqual([]);
    sound.goTo(43);
    expect(told).toEqual(['played a']);
  });

  it('goes on with what was not heard, unless that is switched off', async () => {
    behind = [voice('b', { played: true }), voice('c')];
    await hearing.play(voice('a'));
    sound.goTo(3);
    sound.end();
    await vi.waitFor(() => expect(get(hearing.now)?.message.mid).toBe('c'));
    kept.set('parley.stopAfterOne', '1');
    sound.end();
    await Promise.resolve();
    expect(get(hearing.now)).toMatchObject({ message: { mid: 'c' }, playing: false });
  });

  it('plays a whole list, one behind the other', async () => {
    kept.set('parley.stopAfterOne', '1');
    await hearing.play(voice('a'), [voice('b'), voice('c')]);
    for (const mid of ['b', 'c']) {
      sound.end();
      await vi.waitFor(() => expect(get(hearing.now)?.message.mid).toBe(mid));
    }
  });

  it('goes to a place of one message and then of another while nothing is loaded yet', async () => {
    let loads = 0;
    sound.play = () => {
      loads++;
      return Promise.reject(new DOMException('another one was wanted', 'AbortError'));
    };
    hearing.seek(voice('a'), 20);
    hearing.seek(voice('b'), 30);
    await new Promise((resolve) => setTimeout(resolve));
    expect(loads).toBe(2);
    expect(get(hearing.now)).toMatchObject({ message: { mid: 'b' }, position: 30 });
  });

  it('goes on to the next by a key, which is not to have heard this one', async () => {
    await hearing.play(voice('a'), [voice('b')]);
    sound.goTo(1);
    keys.get('nexttrack')!();
    await vi.waitFor(() => expect(get(hearing.now)?.message.mid).toBe('b'));
    expect(told).toEqual(['a at 1000']);
    keys.get('nexttrack')!();
    await Promise.resolve();
    expect(get(hearing.now)).toMatchObject({ message: { mid: 'b' }, playing: true });
  });

  it('jumps over silence when that is wanted', async () => {
    kept.set('parley.skipSilence', '1');
    await hearing.play(voice('a'));
    sound.currentTime = 16;
    sound.dispatchEvent(new Event('timeupdate'));
    expect(sound.currentTime).toBeCloseTo(44.7);
  });

  it('asks for a format that this browser plays', async () => {
    await hearing.play(voice('a'));
    expect(sound.src).toBe('/api/messages/a/audio');
    sound.canPlayType = () => '';
    await hearing.play(voice('b'));
    expect(sound.src).toBe('/api/messages/b/audio?format=wav');
  });

  it('keeps the place when the page is left', async () => {
    await hearing.play(voice('a'));
    sound.goTo(5);
    window.dispatchEvent(new Event('pagehide'));
    expect(told).toEqual(['played a', 'a at 5000']);
  });
});
