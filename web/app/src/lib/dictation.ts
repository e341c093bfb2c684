// Recording something short with the browser's own encoder, to be uploaded.

import { Problem } from './errors';
import { close, openMicrophone } from './microphone';

/** What the server takes apart, the best first. */
const types = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus'];

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
  const type = types.find((one) => globalThis.MediaRecorder?.isTypeSupported(one));
  if (type === undefined) {
    throw new Problem('unsupported', 'This browser cannot record in a way that others can play. Choose a file instead.');
  }
  const microphone = await openMicrophone();
  const recorder = new MediaRecorder(microphone, { mimeType: type, audioBitsPerSecond: 32_000 });
  const chunks: Blob[] = [];
  const stop = () => {
    if (recorder.state !== 'inactive') {
      recorder.stop();
    }
  };
  const end = setTimeout(stop, maxMs);
  const done = new Promise<Blob>((resolve) => {
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    recorder.onstop = () => {
      clearTimeout(end);
      close(microphone);
      resolve(new Blob(chunks, { type }));
    };
  });
  recorder.start();
  return { microphone, done, stop };
}

/** soundOf is a file as the server takes it. Throws a Problem for what it does not take. */
export function soundOf(file: File): Blob {
  const type = endings.find(([pattern]) => pattern.test(file.name))?.[1];
  if (type === undefined) {
    throw new Problem('unsupported_sound', 'Choose a file with Opus in it: .opus, .ogg or .webm.');
  }
  return new Blob([file], { type });
}
