// Speaking a text by the browser's own voice, where it has one.

/** canSpeak reports whether this browser has a voice. Some learn of theirs only a moment after the page has opened. */
export function canSpeak(speech: SpeechSynthesis | undefined = globalThis.speechSynthesis): boolean {
  return speech !== undefined && speech.getVoices().length > 0;
}

/**
 * speak says a text, as soon as there is a voice, and calls onEnd when it is
 * said. The returned function stops it, and then onEnd is not called. A voice
 * that fails says nothing and calls nothing: who listens goes on by the text.
 */
export function speak(text: string, onEnd: () => void, speech: SpeechSynthesis | undefined = globalThis.speechSynthesis): () => void {
  if (speech === undefined) {
    return () => {};
  }
  const words = new SpeechSynthesisUtterance(text);
  words.onend = onEnd;
  const begin = () => {
    speech.cancel(); // what was said before
    speech.speak(words);
  };
  if (canSpeak(speech)) {
    begin();
  } else {
    speech.addEventListener('voiceschanged', begin, { once: true });
  }
  return () => {
    words.onend = null;
    speech.removeEventListener('voiceschanged', begin);
    speech.cancel();
  };
}
