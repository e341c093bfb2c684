// Microphone and camera: opened for one call and closed with it.

import { Problem } from './errors';
import type { Sound } from './settings';

type Devices = Pick<MediaDevices, 'getUserMedia'>;

const sentences = (what: string): Record<string, string> => ({
  NotAllowedError: `The ${what} is blocked for this page. Allow it in the address bar of your browser, then try again.`,
  NotFoundError: `No ${what} was found. Connect one, then try again.`,
  NotReadableError: `The ${what} cannot be used right now. Perhaps another program holds it.`,
  AbortError: `The ${what} could not be started. Try again.`,
});

/**
 * openMicrophone asks for the microphone: the chosen one if it is there, else
 * what the browser takes for the best. Rejects with a Problem (code
 * "microphone") whose message tells what to do.
 */
export function openMicrophone(sound: Partial<Sound> = {}, devices = globalThis.navigator?.mediaDevices as Devices | undefined): Promise<MediaStream> {
  const { microphone, echo = true, noise = true, gain = true } = sound;
  const audio = {
    ...(microphone && { deviceId: { ideal: microphone } }),
    ...{ echoCancellation: echo, noiseSuppression: noise, autoGainControl: gain },
  };
  return open('microphone', { audio }, devices);
}

/** openCamera is the same for the camera. */
export function openCamera(camera = '', devices = globalThis.navigator?.mediaDevices as Devices | undefined): Promise<MediaStream> {
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, ...(camera && { deviceId: { ideal: camera } }) };
  return open('camera', { video }, devices);
}

async function open(what: string, constraints: MediaStreamConstraints, devices: Devices | undefined): Promise<MediaStream> {
  if (devices === undefined) {
    throw new Problem(what, `Browsers give the ${what} only to pages opened over https:// or on localhost.`);
  }
  try {
    return await devices.getUserMedia(constraints);
  } catch (error) {
    const name = error instanceof Error || error instanceof DOMException ? error.name : '';
    throw new Problem(what, sentences(what)[name] ?? `The ${what} could not be opened.`);
  }
}

/** close stops what was opened; the browser's sign that it listens or looks goes out. */
export function close(stream: MediaStream): void {
  stream.getTracks().forEach((track) => track.stop());
}
