// The sound of a note that was recorded here, to be listened to. What a browser
// records says neither how long it is nor where its parts are, so that it could
// not be sought in: it is decoded into a file that can.

const rate = 24_000; // Hz: all that a voice needs

/** playable decodes a recording. Rejects when the browser does not understand it. */
export async function playable(sound: Blob): Promise<Blob> {
  const context = new OfflineAudioContext(1, 1, rate);
  const decoded = await context.decodeAudioData(await sound.arrayBuffer());
  return new Blob([wav(decoded.getChannelData(0), rate)], { type: 'audio/wav' });
}

/** wav is a RIFF file of 16-bit PCM, mono, from samples in -1..1. */
export function wav(samples: Float32Array, rate: number): ArrayBuffer {
  const head = 44;
  const view = new DataView(new ArrayBuffer(head + 2 * samples.length));
  const word = (at: number, text: string) => [...text].forEach((char, i) => view.setUint8(at + i, char.charCodeAt(0)));
  word(0, 'RIFF');
  view.setUint32(4, head - 8 + 2 * samples.length, true);
  word(8, 'WAVEfmt ');
  view.setUint32(16, 16, true); // bytes of what follows
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true); // bytes a second
  view.setUint16(32, 2, true); // bytes of a sample in all channels
  view.setUint16(34, 16, true); // bits of a sample
  word(36, 'data');
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => view.setInt16(head + 2 * i, Math.round(32_767 * Math.min(1, Math.max(-1, sample))), true));
  return view.buffer;
}
