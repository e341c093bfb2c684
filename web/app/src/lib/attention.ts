// Whether somebody looks at this page, and how to be noticed when not.

import { readable, type Readable } from 'svelte/store';

/** Without input for this long the person counts as away. */
const idleAfter = 5 * 60_000;

const inputs = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'];

/** inView is true while the page is visible and has the focus. */
export const inView: Readable<boolean> = readable(false, (set) => {
  const look = () => set(looksNow());
  look();
  document.addEventListener('visibilitychange', look);
  window.addEventListener('focus', look);
  window.addEventListener('blur', look);
  return () => {
    document.removeEventListener('visibilitychange', look);
    window.removeEventListener('focus', look);
    window.removeEventListener('blur', look);
  };
});

export function looksNow(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}

/** badge shows a number at the app's icon, where the system does that; 0 for none. */
export function badge(count: number): void {
  if ('setAppBadge' in navigator) {
    const shown = count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge();
    shown.catch(() => {}); // only an installed app has an icon
  }
}

/** watchIdle tells when nobody has touched the page for a while, and when somebody does again. */
export function watchIdle(onChange: (idle: boolean) => void): () => void {
  let idle = false;
  const become = (now: boolean) => {
    if (idle !== now) {
      idle = now;
      onChange(idle);
    }
  };
  let timer = setTimeout(() => become(true), idleAfter);
  const touched = () => {
    clearTimeout(timer);
    timer = setTimeout(() => become(true), idleAfter);
    become(false);
  };
  inputs.forEach((input) => window.addEventListener(input, touched, { passive: true }));
  return () => {
    clearTimeout(timer);
    inputs.forEach((input) => window.removeEventListener(input, touched));
  };
}

/** mayNotify reports whether the browser shows notifications of this page. */
export function mayNotify(): boolean {
  return 'Notification' in window && Notification.permission === 'granted';
}

/** canAskToNotify reports whether the person has not decided yet. */
export function canAskToNotify(): boolean {
  return 'Notification' in window && Notification.permission === 'default';
}

/** notify shows a notification; one with the same tag replaces it. Returns how to take it back. */
export function notify(title: string, body: string, tag: string, onClick: () => void): () => void {
  if (!mayNotify()) {
    return () => {};
  }
  try {
    const notification = new Notification(title, { body, tag, icon: '/icon.svg' });
    notification.onclick = () => {
      window.focus();
      notification.close();
      onClick();
    };
    return () => notification.close();
  } catch {
    return () => {}; // some phones allow them to service workers only
  }
}
