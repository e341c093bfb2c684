// Whom a key is for, where a page listens for keys everywhere.

const fields = 'input:not([type=checkbox]), textarea, select, [contenteditable]';

/** forField reports whether a key belongs to a field one writes in, or to the input method. */
export function forField({ target, isComposing }: Pick<KeyboardEvent, 'target' | 'isComposing'>): boolean {
  return isComposing || (target as Partial<Element> | null)?.closest?.(fields) != null;
}
