// Sounds that fake microphones play, and what is heard of them.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rate = 48_000;
const dir = mkdtempSync(join(tmpdir(), 'parley-sound-'));

/** A part of a sound: a tone, or silence with 0 Hz. */
export interface Part {
  hz: number;
  seconds: number;
  /** how loud, up to 1, which is the default */
  level?: number;
}

/** wav writes a file that Chromium takes for a microphone: 16-bit PCM, mono. */
export function wav(name: string, parts: Part[]): string {
  const samples = parts.flatMap(({ hz, seconds, level = 1 }) =>
    Array.from({ length: Math.round(seconds * rate) }, (_, i) =>
      hz === 0 ? 0 : Math.round(12_000 * level * Math.sin((2 * Math.PI * hz * i) / rate)),
    ),
  );
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length * 2, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length * 2, 40);
  const path = join(dir, `${name}.wav`);
  writeFileSync(path, Buffer.concat([head, Buffer.from(Int16Array.from(samples).buffer)]));
  return path;
}

/** tone is a microphone with one steady tone. */
export const tone = (hz: number): string => wav(`tone-${hz}`, [{ hz, seconds: 10 }]);

/** decoded is a recording as ffmpeg, which knows nothing of us, decodes it. */
export interface Decoded {
  seconds: number;
  /** the pitch of each second in Hz, 0 where it is silent */
  pitches: number[];
}

export function decode(file: Buffer): Decoded {
  const path = join(dir, 'recording.webm');
  writeFileSync(path, file);
  const probe = spawnSync('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path]);
  const pcm = spawnSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-ar', String(rate), '-'], {
    maxBuffer: 1 << 28,
  });
  const complaints = `${probe.stderr}${pcm.stderr}`;
  if (probe.status !== 0 || pcm.status !== 0 || complaints !== '') {
    throw new Error(`ffmpeg: ${complaints}`);
  }
  const bytes = pcm.stdout;
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const stated = Number(String(probe.stdout));
  const decodedSeconds = samples.length / rate;
  if (Math.abs(stated - decodedSeconds) > 0.05) {
    throw new Error(`the file says ${stated} s and decodes to ${decodedSeconds} s`);
  }
  const pitches = Array.from({ length: Math.floor(decodedSeconds) }, (_, second) => {
    // The middle half of the second: parts may begin and end anywhere.
    const part = samples.subarray((second + 0.25) * rate, (second + 0.75) * rate);
    let crossings = 0;
    let loudest = 0;
    for (let i = 1; i < part.length; i++) {
      loudest = Math.max(loudest, Math.abs(part[i]!));
      if (part[i - 1]! < 0 && part[i]! >= 0) {
        crossings++;
      }
    }
    return loudest < 300 ? 0 : crossings * 2;
  });
  return { seconds: decodedSeconds, pitches };
}
