// What has to stay within reach while a dialog is open. A modal dialog makes the
// rest of the page inert, so such an element is moved into the dialog on top,
// and back when the last one closes. It has to be the child of another element
// of its component, which stays.

const dialogs: Element[] = []; // open, the one on top last
const kept = new Map<Element, Element>(); // each with its own place

/** opened is told of a dialog that is modal now. Returns what to call when it is gone. */
export function opened(dialog: Element): () => void {
  dialogs.push(dialog);
  place();
  return () => {
    dialogs.splice(dialogs.indexOf(dialog), 1);
    place();
  };
}

/** above keeps an element within reach. Returns what to call when it is gone. */
export function above(element: Element): () => void {
  kept.set(element, element.parentElement!);
  place();
  return () => kept.delete(element);
}

function place(): void {
  for (const [element, home] of kept) {
    const to = dialogs.at(-1) ?? home;
    if (element.parentElement !== to) {
      to.append(element);
    }
  }
}
