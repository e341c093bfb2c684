// The microphone: opened for one call and closed with it.

import { Problem } from './errors';

type Devices = Pick<MediaDevices, 'getUserMedia'>;

const sentences: Record<string, string> = {
  NotAllowedError: 'The microphone is blocked for this page. Allow it in the address bar of your browser, then try again.',
  NotFoundError: 'No microphone was found. Connect one, then try again.',
  NotReadableError: 'The microphone cannot be used right now. Perhaps another program holds it.',
  AbortError: 'The microphone could not be started. Try again.',
};

const insecure = 'Browsers give the microphone only to pages opened over https:// or on localhost.';
const unknown = 'The microphone could not be opened.';

/**
 * openMicrophone asks for the microphone. Rejects with a Problem (code
 * "microphone") whose message tells what to do.
 */
export async function openMicrophone(devices: Devices | undefined = navigator.mediaDevices): Promise<MediaStream> {
  if (devices === undefined) {
    throw new Problem('microphone', insecure);
  }
  try {
    return await devices.getUserMedia({ audio: true });
  } catch (error) {
    const name = error instanceof Error || error instanceof DOMException ? error.name : '';
    throw new Problem('microphone', sentences[name] ?? unknown);
  }
}

/** closeMicrophone stops it; the browser's sign that it listens goes out. */
export function closeMicrophone(stream: MediaStream): void {
  stream.getTracks().forEach((track) => track.stop());
}
