// Recording something short with the browser's own encoder, to be uploaded.

import { Problem } from './errors';
import { close, openMicrophone } from './microphone';
import { Recorder, recordingType } from './recorder';
import { sound } from './settings';

/** What a file is by its name, where the browser does not say it as the server wants it. */
const endings: [RegExp, string][] = [
  [/\.(ogg|oga|opus)$/i, 'audio/ogg'],
  [/\.web(m|a)$/i, 'audio/webm'],
];

/** Dictation is a recording under way. It ends by itself after maxMs, or when the microphone goes. */
export interface Dictation {
  readonly microphone: MediaStream;
  /** what was recorded, once it has ended */
  readonly done: Promise<Blob>;
  stop(): void;
}

/** dictate begins to record. Rejects with a Problem that says what to do. */
export async function dictate(maxMs: number): Promise<Dictation> {
  const type = recordingType('Choose a file instead.');
  const microphone = await openMicrophone(sound());
  const chunks: Blob[] = [];
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  try {
    const recorder = new Recorder(microphone, type, {
      onChunk: (chunk) => chunks.push(chunk),
      onHeard: (durationMs) => durationMs >= maxMs && stop(),
      onGone: stop,
    });
    const done = stopped
      .then(() => recorder.stop())
      .then(() => new Blob(chunks, { type }))
      .finally(() => close(microphone));
    return { microphone, done, stop };
  } catch (error) {
    close(microphone);
    throw error;
  }
}

/** soundOf is a file as the server takes it. Throws a Problem for what it does not take. */
export function soundOf(file: File): Blob {
  const type = endings.find(([pattern]) => pattern.test(file.name))?.[1];
  if (type === undefined) {
    throw new Problem('unsupported_sound', 'Choose a file with Opus in it: .opus, .ogg or .webm.');
  }
  return new Blob([file], { type });
}
