// Speaking a text by the browser's own voice, where it has one.

/** canSpeak reports whether this browser has a voice. Some learn of theirs only a moment after the page has opened. */
export function canSpeak(speech: SpeechSynthesis | undefined = globalThis.speechSynthesis): boolean {
  return speech !== undefined && speech.getVoices().length > 0;
}

/**
 * speak says a text and calls onEnd when it is said. The returned function
 * stops it, and then onEnd is not called. A voice that fails says nothing and
 * calls nothing: who listens goes on by the text.
 */
export function speak(text: string, onEnd: () => void, speech: SpeechSynthesis | undefined = globalThis.speechSynthesis): () => void {
  if (!canSpeak(speech)) {
    return () => {};
  }
  const words = new SpeechSynthesisUtterance(text);
  words.onend = onEnd;
  speech!.cancel(); // what was said before
  speech!.speak(words);
  return () => {
    words.onend = null;
    speech!.cancel();
  };
}
