// Rules of playing voice messages.

/** A message counts as heard after this much of it, or at its end. */
const heardAfter = 1; // s

/**
 * Heard decides when a message was really heard: by the time that was played,
 * not by where somebody jumped to.
 */
export class Heard {
  private played = 0; // s
  private last: number | undefined;
  private told = false;

  constructor(private readonly onHeard: () => void) {}

  /** at reports the place of playing, in seconds, as often as it changes. */
  at(position: number, playing: boolean): void {
    if (playing && this.last !== undefined) {
      const step = position - this.last;
      if (step > 0 && step < heardAfter) {
        this.played += step; // a longer step is a jump
      }
    }
    this.last = playing ? position : undefined;
    if (this.played >= heardAfter) {
      this.tell();
    }
  }

  /** jumped forgets the last place: what lies between was not played. */
  jumped(): void {
    this.last = undefined;
  }

  /** ended reports that the sound came to its end. */
  ended(): void {
    if (this.played > 0) {
      this.tell();
    }
  }

  private tell(): void {
    if (!this.told) {
      this.told = true;
      this.onHeard();
    }
  }
}

// One message sounds at a time on this page.
let sounding: HTMLMediaElement | undefined;

/** alone pauses whatever else sounds. Called when element begins to play. */
export function alone(element: HTMLMediaElement): void {
  if (sounding !== element) {
    sounding?.pause();
    sounding = element;
  }
}

/** hush pauses what sounds: a call begins or rings. */
export function hush(): void {
  sounding?.pause();
}

/** speeds that can be chosen, the pitch being kept. */
export const speeds = [1, 1.5, 2];

/** faster is the speed after this one, round and round. */
export function faster(speed: number): number {
  return speeds[(speeds.indexOf(speed) + 1) % speeds.length] ?? 1;
}
