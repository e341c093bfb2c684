// Which conversation is open: the part of the address after '#', so that the
// browser's own way back works.

const prefix = '#/with/';

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
  return location.hash.startsWith(prefix) ? decodeURIComponent(location.hash.slice(prefix.length)) : '';
}

export const route = new Route();
