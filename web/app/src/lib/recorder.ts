// One recording by the browser's own encoder, in chunks.
//
// Chunks come twice a second and are of no use alone: in order, they make one
// file. Time is counted only while it records.

import { Problem } from './errors';
import { watchLevel } from './levels';
import { levelEvery } from './note';

export interface Events {
  /** the next chunk; durationMs is how long the recording was when it came */
  onChunk: (chunk: Blob) => void;
  /** how long it is, and how loud the last moment was, 0 to 1; several times a second */
  onHeard: (durationMs: number, level: number) => void;
  /** it ended by itself: the microphone is gone */
  onGone: () => void;
}

/** What the others can play and the server takes apart, the best first. */
const types = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus'];

/** A tab that dies loses this much. */
const chunkEvery = 500; // ms

const bitRate = 32_000; // enough for speech, in Opus

/** recordingType is how this browser will record. Throws a Problem that says what to do instead when it can do it in no way that others can play. */
export function recordingType(instead: string, recorder: Pick<typeof MediaRecorder, 'isTypeSupported'> | undefined = globalThis.MediaRecorder): string {
  const type = types.find((one) => recorder?.isTypeSupported(one));
  if (type === undefined) {
    throw new Problem('unsupported', `This browser cannot record in a way that others can play. ${instead}`);
  }
  return type;
}

export class Recorder {
  private readonly media: MediaRecorder;
  private readonly unwatch: () => void;
  private readonly ended: Promise<void>;
  private level = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  private before = 0; // ms recorded before the last pause
  private since = 0; // it goes on, by performance.now()

  constructor(
    microphone: MediaStream,
    type: string,
    private readonly events: Events,
  ) {
    this.media = new MediaRecorder(microphone, { mimeType: type, audioBitsPerSecond: bitRate });
    this.media.ondataavailable = ({ data }) => {
      if (data.size > 0) {
        events.onChunk(data);
      }
    };
    this.ended = new Promise((ended) => {
      this.media.onstop = () => {
        this.rest();
        ended();
        events.onGone();
      };
    });
    this.unwatch = watchLevel(microphone, (level) => (this.level = Math.max(this.level, level)));
    this.media.start(chunkEvery);
    this.run();
  }

  pause(): void {
    if (this.media.state === 'recording') {
      this.media.requestData();
      this.media.pause();
      this.rest();
    }
  }

  resume(): void {
    if (this.media.state === 'paused') {
      this.media.resume();
      this.run();
    }
  }

  /** stop ends the recording. It resolves after the last chunk. */
  stop(): Promise<void> {
    this.events.onGone = () => {};
    if (this.media.state !== 'inactive') {
      this.rest();
      this.media.stop();
    }
    return this.ended.finally(this.unwatch);
  }

  private run(): void {
    this.since = performance.now();
    this.timer = setInterval(() => this.tell(), levelEvery);
  }

  private rest(): void {
    if (this.timer !== undefined) {
      clearInterval(this.timer);
      this.timer = undefined;
      this.tell();
      this.before += performance.now() - this.since;
    }
  }

  private tell(): void {
    this.events.onHeard(this.before + performance.now() - this.since, this.level);
    this.level = 0;
  }
}
