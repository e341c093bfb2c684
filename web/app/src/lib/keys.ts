// Whom a key is for, where a page listens for keys everywhere.

const fields = 'input:not([type=checkbox]), textarea, select, [contenteditable]';

/** What has a meaning of its own for the arrows, or scrolls sideways. */
const moving = 'input, textarea, select, [contenteditable], [role=slider], audio, video, dialog';
/** What has one for the space bar as well. */
const pressed = `${moving}, button, a, summary, [role=log]`;

/** A key for what is being heard: to play or pause, or to go so many steps on. */
export type PlayerKey = 'toggle' | -1 | 1;

/** forPlayer is what a key means to what is being heard, if it is for nothing nearer. */
export function forPlayer(event: Pick<KeyboardEvent, 'key' | 'target' | 'isComposing' | 'ctrlKey' | 'metaKey' | 'altKey' | 'defaultPrevented'>): PlayerKey | null {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) {
    return null;
  }
  const within = (what: string) => (event.target as Partial<Element> | null)?.closest?.(what) != null;
  switch (event.key) {
    case ' ':
      return within(pressed) ? null : 'toggle';
    case 'ArrowLeft':
      return within(moving) ? null : -1;
    case 'ArrowRight':
      return within(moving) ? null : 1;
  }
  return null;
}

/** forField reports whether a key belongs to a field one writes in, or to the input method. */
export function forField({ target, isComposing }: Pick<KeyboardEvent, 'target' | 'isComposing'>): boolean {
  return isComposing || (target as Partial<Element> | null)?.closest?.(fields) != null;
}
