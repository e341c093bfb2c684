// Which conversation is open: the part of the address after '#', so that the
// browser's own way back works.

const prefix = '#/with/';

/** conversationIn is who an address is about, or '' if it is about nobody or not well formed. */
export function conversationIn(hash: string): string {
  try {
    return hash.startsWith(prefix) ? decodeURIComponent(hash.slice(prefix.length)) : '';
  } catch {
    return ''; // a link that was cut within %xx
  }
}

class Route {
  /** the other participant of the open conversation, or '' for none */
  with = $state(read());

  constructor() {
    window.addEventListener('hashchange', () => (this.with = read()));
  }

  /** open shows the conversation with somebody. */
  open(account: string): void {
    location.hash = prefix + encodeURIComponent(account);
    this.with = account;
  }

  /** close shows none. */
  close(): void {
    history.pushState(null, '', location.pathname);
    this.with = '';
  }
}

function read(): string {
  return conversationIn(location.hash);
}

export const route = new Route();
