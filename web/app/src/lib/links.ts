// Finds addresses in what people write, so that they can be clicked. The page
// shows every part as text; only the address itself becomes the link's target.

export interface Part {
  text: string;
  /** set for an address: http or https only */
  href?: string;
}

const address = /https?:\/\/[^\s<>"']+/gi;
/** Marks that end a sentence around an address rather than belong to it. */
const trailing = /[.,;:!?…]+$/;

/** parts splits a text at its addresses. Joined again they are the text. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(address)) {
    const href = trimmed(match[0]);
    if (!URL.canParse(href)) {
      continue;
    }
    if (match.index > end) {
      found.push({ text: text.slice(end, match.index) });
    }
    found.push({ text: href, href });
    end = match.index + href.length;
  }
  if (end < text.length) {
    found.push({ text: text.slice(end) });
  }
  return found;
}

/** A closing bracket belongs to the address only if it was opened in it. */
function trimmed(found: string): string {
  let href = found.replace(trailing, '');
  while (href.endsWith(')') && href.split('(').length < href.split(')').length) {
    href = href.slice(0, -1).replace(trailing, '');
  }
  return href;
}
