// What is done when the sound of a call breaks off: a short break heals by
// itself, then new paths are looked for again and again, then it is given up.

export interface Options {
  /** look for new paths (ICE restart) */
  restart: () => void;
  giveUp: () => void;
}

const patience = 3_000; // ms
/** How much later the callee restarts: most often the caller has done it by then. */
const manners = 1_500;
const restartEvery = 10_000;
const giveUpAfter = 45_000;

export class Repair {
  private next: ReturnType<typeof setTimeout> | undefined;
  private end: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: Options) {}

  /**
   * broken begins, or hurries if there is no hope that it heals. Either side
   * restarts, for one of them may not be able to; the callee a little later.
   */
  broken(hopeless: boolean, caller: boolean): void {
    this.restartIn((hopeless ? 0 : patience) + (caller ? 0 : manners));
    this.end ??= setTimeout(() => {
      this.whole();
      this.options.giveUp();
    }, giveUpAfter);
  }

  /** whole ends it: the sound is back, or no longer wanted. */
  whole(): void {
    clearTimeout(this.next);
    clearTimeout(this.end);
    this.end = undefined;
  }

  private restartIn(ms: number): void {
    clearTimeout(this.next);
    this.next = setTimeout(() => {
      this.options.restart();
      this.restartIn(restartEvery);
    }, ms);
  }
}
