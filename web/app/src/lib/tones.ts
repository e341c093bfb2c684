// Sounds made here, without files: the ring, the ring-back tone and a small
// sign for a new message.
//
// A browser lets a page sound only after its person has touched it; before
// that nothing is heard, and `mayRing` says so.

type Pattern = { frequencies: number[]; beats: { at: number; length: number }[]; period: number; gain: number };

// Seconds. The ring-back tone is the European one (ITU-T Q.35): 1 s of 425 Hz,
// 4 s of silence.
const ring: Pattern = {
  frequencies: [660, 880],
  beats: [{ at: 0, length: 0.35 }, { at: 0.5, length: 0.35 }],
  period: 2.5,
  gain: 0.14,
};
const ringBack: Pattern = { frequencies: [425], beats: [{ at: 0, length: 1 }], period: 5, gain: 0.07 };

// Somebody else is calling: soft, for it sounds beside a conversation.
const waiting: Pattern = { frequencies: [425], beats: [{ at: 0, length: 0.2 }, { at: 0.8, length: 0.2 }], period: 4, gain: 0.04 };
const arrival: Pattern = { frequencies: [880], beats: [{ at: 0, length: 0.09 }], period: 0, gain: 0.06 };

let context: AudioContext | undefined;

/** unlock gets the sound ready; called from a click or key press. */
export function unlock(): void {
  context ??= new AudioContext();
  void context.resume();
}

/** mayRing reports whether a tone would be heard. */
export function mayRing(): boolean {
  return context?.state === 'running';
}

/** startRing rings until the returned function is called. */
export function startRing(): () => void {
  return repeat(ring);
}

/** startRingBack sounds like the far end's ringing until the returned function is called. */
export function startRingBack(): () => void {
  return repeat(ringBack);
}

/** startWaiting says softly that somebody else is calling, until the returned function is called. */
export function startWaiting(): () => void {
  return repeat(waiting);
}

/** arrived is a short sign. */
export function arrived(): void {
  if (mayRing()) {
    play(arrival);
  }
}

function repeat(pattern: Pattern): () => void {
  let stopLast = () => {};
  const once = () => {
    if (mayRing()) {
      stopLast = play(pattern);
    }
  };
  once();
  const timer = setInterval(once, pattern.period * 1000);
  return () => {
    clearInterval(timer);
    stopLast();
  };
}

function play({ frequencies, beats, gain }: Pattern): () => void {
  const audio = context!;
  const volume = audio.createGain();
  volume.gain.value = 0;
  volume.connect(audio.destination);
  const start = audio.currentTime + 0.02;
  for (const { at, length } of beats) {
    // Ramps of 20 ms: a tone that starts or ends at once clicks.
    volume.gain.setValueAtTime(0, start + at);
    volume.gain.linearRampToValueAtTime(gain, start + at + 0.02);
    volume.gain.setValueAtTime(gain, start + at + length - 0.02);
    volume.gain.linearRampToValueAtTime(0, start + at + length);
  }
  const last = beats.at(-1)!;
  const oscillators = frequencies.map((frequency) => {
    const oscillator = audio.createOscillator();
    oscillator.frequency.value = frequency;
    oscillator.connect(volume);
    oscillator.start(start);
    oscillator.stop(start + last.at + last.length + 0.05);
    return oscillator;
  });
  oscillators[0]!.onended = () => volume.disconnect();
  return () => oscillators.forEach((oscillator) => oscillator.stop());
}
