// How loud a stream is, for meters.

/** Meters move this often; more would only cost. */
const every = 100; // ms

/**
 * watchLevel reports how loud a stream is, 0 silent to 1 loud, until the
 * returned function is called. The stream is only listened to, never played.
 */
export function watchLevel(stream: MediaStream, onLevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(stream);
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudness(samples));
  }, every);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
}

/** loudness maps the power of samples in -1..1 to 0..1, -60 dB to -6 dB being the range of speech. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) {
    sum += sample * sample;
  }
  const decibels = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, (decibels + 60) / 54));
}
