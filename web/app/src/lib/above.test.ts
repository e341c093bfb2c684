import { expect, it } from 'vitest';
import { above, opened } from './above';

/** Box is an element that knows where it is. */
class Box {
  parentElement: Box | null = null;
  moves = 0;
  append(child: Box): void {
    child.parentElement = this;
    child.moves++;
  }
}

const box = (parent?: Box) => Object.assign(new Box(), { parentElement: parent ?? null });
const element = (one: Box) => one as unknown as Element;

it('is within the dialog on top, or where it belongs', () => {
  const [home, below, top] = [box(), box(), box()];
  const ring = box(home);
  const gone = above(element(ring));
  expect(ring.moves).toBe(0); // or what has the focus would lose it

  const closeBelow = opened(element(below));
  expect(ring.parentElement).toBe(below);
  const closeTop = opened(element(top));
  expect(ring.parentElement).toBe(top);
  closeBelow();
  expect(ring.parentElement).toBe(top);
  expect(ring.moves).toBe(2);
  closeTop();
  expect(ring.parentElement).toBe(home);

  const late = box(home);
  const close = opened(element(top));
  const lateGone = above(element(late));
  expect(late.parentElement).toBe(top);
  gone();
  lateGone();
  close();
  expect(late.parentElement).toBe(top); // with what it belonged to
});
