// What becomes of the page, as the browser tells it.

export interface Listeners {
  /** it is in view again */
  seen: () => void;
  hidden: () => void;
  /** this browser is in another network, or in one again */
  moved: () => void;
  /** it is being closed, or goes elsewhere */
  left: () => void;
}

/** watchPage listens until it is told to end. */
export function watchPage({ seen, hidden, moved, left }: Listeners): () => void {
  const look = () => (document.visibilityState === 'visible' ? seen() : hidden());
  const network = (navigator as { connection?: EventTarget & { type?: string } }).connection; // not in every browser
  let kind = network?.type;
  const changed = () => {
    if (network?.type !== kind) { // it also tells of other rates on the same network
      kind = network?.type;
      moved();
    }
  };
  document.addEventListener('visibilitychange', look);
  window.addEventListener('online', moved);
  window.addEventListener('pagehide', left);
  network?.addEventListener('change', changed);
  return () => {
    document.removeEventListener('visibilitychange', look);
    window.removeEventListener('online', moved);
    window.removeEventListener('pagehide', left);
    network?.removeEventListener('change', changed);
  };
}
