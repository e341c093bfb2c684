// Private lines between the two of a call, on data channels that the server
// never sees. Nothing of it is kept: it is gone with the page, or the call.
//
// Two channels: "lines", reliable and ordered, with one JSON object a message
// and an acknowledgement for each line; and "typing", real-time text (t140.ts),
// which flows only where both allow it. A line is held, with its id, from before
// it is sent until it is acknowledged; when its channel breaks first, it goes
// through the mailbox, from a later page if this one is gone. The far end knows
// the id, if it has the line after all, and shows it once.

import { get, writable, type Readable } from 'svelte/store';
import { newID } from './id';
import { apply, lost, subprotocol, Typing, type Shown } from './t140';
import { bytes } from './text';
import { MaxText } from './wire';

/** What the "lines" channel names as its subprotocol. */
export const linesProtocol = 'parley.lines';

export interface PrivateLine {
  /** 128 random bits, hexadecimal */
  cid: string;
  mine: boolean;
  text: string;
  /** by the local clock, Unix ms */
  at: number;
  /** sending: not acknowledged; there: it is; mailbox: the channel broke, it went as a message */
  state: 'sending' | 'there' | 'mailbox';
}

type Said = { type: 'line'; cid: string; text: string; typed?: boolean } | { type: 'ack'; cid: string } | { type: 'typing'; shown: boolean };

/** Holding outlives the page: what becomes of lines that are not acknowledged. */
export interface Holding {
  /** hold keeps a line; it is sent when that is done, or has failed */
  hold: (line: PrivateLine) => Promise<void>;
  /** the far end has the line */
  delivered: (cid: string) => void;
  /** the channel broke before these lines were acknowledged */
  undelivered: (cids: string[]) => void;
}

export interface Options {
  /** this side shows what is typed as it is typed, and wants to see it */
  typing: () => boolean;
  holding: Holding;
  now?: () => number;
}

/** Lines that are remembered of one call; those not acknowledged come on top, for their fate is open. */
const most = 2_000;

export class Chat {
  readonly lines: Readable<PrivateLine[]>;
  /** what the far end is typing */
  readonly theirs: Readable<string>;
  /** the own line as it is written, not sent */
  readonly draft: Readable<string>;
  /** lines can be sent */
  readonly open: Readable<boolean>;

  private readonly said = writable<PrivateLine[]>([]);
  private readonly typed = writable('');
  private readonly drafted = writable('');
  private readonly ready = writable(false);
  private channel: RTCDataChannel | null = null;
  private live: RTCDataChannel | null = null;
  private typing: Typing | null = null;
  private theyShow = false;
  private shown: Shown = { text: '', ended: 0 };
  private owed = 0; // lines that came while their end was not typed yet

  constructor(private readonly options: Options) {
    this.lines = this.said;
    this.theirs = this.typed;
    this.draft = this.drafted;
    this.open = this.ready;
  }

  /** begin opens the channels; the caller does. */
  begin(connection: Pick<RTCPeerConnection, 'createDataChannel'>): void {
    this.attach(connection.createDataChannel('lines', { protocol: linesProtocol }));
    this.attach(connection.createDataChannel('typing', { protocol: subprotocol }));
  }

  /** attach takes a channel, of this side or of the far end. One that nobody knows is closed. */
  attach(channel: RTCDataChannel): void {
    switch (channel.protocol) {
      case linesProtocol:
        this.channel = channel;
        channel.onopen = () => this.opened();
        channel.onclose = () => this.broke(channel);
        channel.onmessage = ({ data }) => this.heard(data);
        break;
      case subprotocol:
        if (this.live !== null) {
          this.show(apply(this.shown, lost)); // of what the old one carried, some may be missing
        }
        this.live = channel;
        this.typing?.stop();
        this.typing = new Typing((block) => channel.readyState === 'open' && channel.send(block), this.options.now);
        channel.onmessage = ({ data }) => this.watched(data);
        break;
      default:
        channel.close();
        return;
    }
    if (channel.readyState === 'open') {
      channel.onopen?.(new Event('open'));
    }
  }

  /** send sends a line. False: there is no way to now. */
  send(text: string): boolean {
    if (this.channel?.readyState !== 'open' || bytes(text) > MaxText) {
      return false;
    }
    const cid = newID();
    const line: PrivateLine = { cid, mine: true, text, at: this.now(), state: 'sending' };
    this.add(line);
    this.drafted.set('');
    const typed = this.typing?.end() === true;
    const tell = () => this.tell({ type: 'line', cid, text, ...(typed && { typed }) });
    this.options.holding.hold(line).then(tell, tell);
    return true;
  }

  /** type says how the own line reads now; it is shown over there if both want that. */
  type(text: string): void {
    this.drafted.set(text);
    if (this.theyShow && this.options.typing()) {
      this.typing?.type(text);
    }
  }

  /** tellTyping says whether this side shows what is typed. */
  tellTyping(): void {
    this.tell({ type: 'typing', shown: this.options.typing() });
    this.show(this.shown);
  }

  /** kept takes away lines that came as messages too. */
  kept(cids: string[]): void {
    if (get(this.said).some(({ cid, mine }) => !mine && cids.includes(cid))) {
      this.said.update((lines) => lines.filter(({ cid, mine }) => mine || !cids.includes(cid)));
    }
  }

  /** close ends it with the call: what is not acknowledged goes through the mailbox. The lines stay to be read. */
  close(): void {
    this.typing?.stop();
    this.typing = null;
    this.live = null;
    if (this.channel !== null) {
      this.broke(this.channel);
    }
    this.shown = { text: '', ended: 0 };
    this.owed = 0;
    this.typed.set('');
  }

  /** clear forgets the lines. */
  clear(): void {
    this.close();
    this.said.set([]);
    this.drafted.set('');
  }

  private opened(): void {
    this.ready.set(true);
    this.tellTyping();
  }

  private broke(channel: RTCDataChannel): void {
    if (this.channel !== channel) {
      return;
    }
    this.channel = null;
    channel.onopen = channel.onclose = channel.onmessage = null;
    this.theyShow = false;
    this.ready.set(false);
    const open = get(this.said).filter(({ mine, state }) => mine && state === 'sending');
    if (open.length > 0) {
      this.said.update((lines) => lines.map((line) => (open.includes(line) ? { ...line, state: 'mailbox' } : line)));
      this.options.holding.undelivered(open.map(({ cid }) => cid));
    }
  }

  private heard(data: unknown): void {
    const said = parse(data);
    switch (said?.type) {
      case 'line':
        this.tell({ type: 'ack', cid: said.cid });
        if (!get(this.said).some(({ cid, mine }) => cid === said.cid && !mine)) {
          this.add({ cid: said.cid, mine: false, text: said.text, at: this.now(), state: 'there' });
          this.owed += Number(said.typed === true);
          this.show(this.shown);
        }
        break;
      case 'ack':
        this.options.holding.delivered(said.cid);
        this.said.update((lines) => lines.map((line) => (line.mine && line.cid === said.cid ? { ...line, state: 'there' } : line)));
        break;
      case 'typing':
        this.theyShow = said.shown;
        break;
    }
  }

  private watched(data: unknown): void {
    if (typeof data === 'string') {
      const before = this.shown.ended;
      const next = apply(this.shown, data);
      this.owed -= next.ended - before;
      this.show(next);
    }
  }

  /** show shows what is typed, unless it has come as a line already. */
  private show(shown: Shown): void {
    this.shown = shown;
    this.typed.set(this.owed > 0 || !this.options.typing() ? '' : shown.text);
  }

  private add(line: PrivateLine): void {
    this.said.update((lines) => {
      const old = lines.length >= most ? lines.findIndex(({ state }) => state !== 'sending') : -1;
      return [...lines.filter((_, i) => i !== old), line];
    });
  }

  private tell(said: Said): void {
    if (this.channel?.readyState === 'open') {
      this.channel.send(JSON.stringify(said));
    }
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

/** parse is what the far end says, or nothing if it makes no sense. */
function parse(data: unknown): Said | undefined {
  if (typeof data !== 'string' || data.length > 4 * MaxText) {
    return undefined;
  }
  let said: unknown;
  try {
    said = JSON.parse(data);
  } catch {
    return undefined;
  }
  const { type, cid, text, typed, shown } = (said ?? {}) as Record<string, unknown>;
  const named = typeof cid === 'string' && /^[0-9a-f]{32}$/.test(cid);
  if (type === 'line' && named && typeof text === 'string' && text !== '' && bytes(text) <= MaxText) {
    return { type, cid, text, typed: typed === true };
  }
  if (type === 'ack' && named) {
    return { type, cid };
  }
  return type === 'typing' ? { type, shown: shown === true } : undefined;
}
