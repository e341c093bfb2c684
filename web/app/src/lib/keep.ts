/**
 * keep is what was read from the database, with those objects of before that
 * are still the same by key: what did not change need not be drawn again.
 */
export function keep<T>(before: T[], read: T[], key: (item: T) => string): T[] {
  const known = new Map(before.map((item) => [key(item), item]));
  return read.map((item) => known.get(key(item)) ?? item);
}
