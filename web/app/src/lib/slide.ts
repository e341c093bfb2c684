// What a finger means that holds the button and moves: left cancels, up locks.

export interface Slide {
  /** how far it is towards cancelling and towards locking, 0 to 1; at 1 it is done */
  cancel: number;
  lock: number;
}

/** How far to go. */
const cancelAt = 110; // px
const lockAt = 70;

/** slide is what a move by dx and dy means, in px from where the press began; the greater of both counts. */
export function slide(dx: number, dy: number): Slide {
  const part = (way: number, whole: number) => Math.min(1, Math.max(0, way / whole));
  const cancel = part(-dx, cancelAt);
  const lock = part(-dy, lockAt);
  return cancel >= lock ? { cancel, lock: 0 } : { cancel: 0, lock };
}
