import { beforeEach, expect, it, vi } from 'vitest';
import { speak } from './speech';

class Utterance {
  onend: (() => void) | null = null;
  constructor(readonly text: string) {}
}
vi.stubGlobal('SpeechSynthesisUtterance', Utterance);

/** Voices is a browser that may learn of its voices late. */
class Voices extends EventTarget {
  known: string[] = [];
  said: Utterance[] = [];
  getVoices = () => this.known;
  speak = (words: Utterance) => void this.said.push(words);
  cancel = () => {};
  learn() {
    this.known = ['one'];
    this.dispatchEvent(new Event('voiceschanged'));
  }
}

let voices: Voices;
let ended: number;
const say = (text: string) => speak(text, () => ended++, voices as unknown as SpeechSynthesis);
beforeEach(() => {
  voices = new Voices();
  ended = 0;
});

it('speaks at once with a voice, and tells the end', () => {
  voices.learn();
  say('hello');
  voices.said[0]!.onend!();
  expect([voices.said.map(({ text }) => text), ended]).toEqual([['hello'], 1]);
});

it('speaks once, when there is a voice', () => {
  say('hello');
  expect(voices.said).toEqual([]);
  voices.learn();
  voices.learn();
  expect(voices.said.map(({ text }) => text)).toEqual(['hello']);
});

it('says nothing when it was stopped before there was a voice', () => {
  say('hello')();
  voices.learn();
  expect(voices.said).toEqual([]);
});
