// What is open, a conversation, the mailbox or the calls: the part of the address after
// '#', so that the browser's own way back works.

const prefix = '#/with/';
const mailbox = '#/mailbox';
const calls = '#/calls';

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
  with = $state(conversationIn(location.hash));
  /** the mailbox is open */
  mailbox = $state(location.hash === mailbox);
  /** the list of calls is open */
  calls = $state(location.hash === calls);

  constructor() {
    window.addEventListener('hashchange', () => this.read());
  }

  /** open shows the conversation with somebody. */
  open(account: string): void {
    location.hash = prefix + encodeURIComponent(account);
    this.read();
  }

  /** close shows none. */
  close(): void {
    history.pushState(null, '', location.pathname);
    this.read();
  }

  private read(): void {
    this.with = conversationIn(location.hash);
    this.mailbox = location.hash === mailbox;
    this.calls = location.hash === calls;
  }
}

export const route = new Route();
