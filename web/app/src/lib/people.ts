// The people this account has something with, as the server shows them, and the
// own person. Every welcome brings them anew; what it said is kept, so that a
// page without the server knows names and to whom it may write.

import { get, writable, type Readable } from 'svelte/store';
import type { Database } from './database';
import type { Reply, Request } from './socket';
import type * as wire from './wire';

export type ContactAction = 'request' | 'accept' | 'decline' | 'remove' | 'block' | 'unblock';
/** Choosable is a state that a person may set. */
export type Choosable = Exclude<wire.State, 'offline'>;

/** Self is the own account, also as a part of welcome. */
type Self = wire.Welcome['self'];

/** Own is the own person. */
export type Own = wire.Welcome['self'];

type Frame =
  | wire.Welcome
  | wire.PresenceUpdate
  | wire.ContactUpdate
  | wire.Self
  | wire.TypingNotice
  | wire.MailboxUsage
  | wire.MailboxFull;

/** How long "is writing" stays after the last notice. */
const typingShown = 5_000;
/** How long "their mailbox is full" stays after it was said last. */
const fullShown = 15_000;
/** How often the own writing is told. */
const typingTold = 3_000;

export class People {
  readonly self: Readable<Self | null>;
  readonly all: Readable<Map<wire.AccountID, wire.Person>>;
  /** who is writing to me */
  readonly typing: Readable<Set<wire.AccountID>>;
  /** how full the own mailbox is */
  readonly usage: Readable<wire.Usage | null>;
  /** those whose mailbox takes nothing more, and what it is full of */
  readonly fullBoxes: Readable<Map<wire.AccountID, wire.Part>>;

  private readonly me = writable<Self | null>(null);
  private readonly known = writable(new Map<wire.AccountID, wire.Person>());
  private readonly writing = writable(new Set<wire.AccountID>());
  private readonly fading = new Map<wire.AccountID, ReturnType<typeof setTimeout>>();
  private readonly box = writable<wire.Usage | null>(null);
  private readonly full = writable(new Map<wire.AccountID, wire.Part>());
  private readonly emptying = new Map<wire.AccountID, ReturnType<typeof setTimeout>>();
  private told = { to: '', at: 0 };

  constructor(
    private readonly server: {
      request: (frame: Request) => Promise<Reply>;
      tell: (frame: wire.ClientFrame) => boolean;
    },
    private readonly now: () => number = Date.now,
    private readonly db?: Database,
  ) {
    this.self = this.me;
    this.all = this.known;
    this.typing = this.writing;
    this.usage = this.box;
    this.fullBoxes = this.full;
  }

  /** recall shows the people of the last time, until the server tells of them. Nobody is here as far as this page knows. */
  async recall(): Promise<void> {
    const kept = await this.db?.get('people', 'people');
    if (kept && get(this.me) === null) {
      this.me.set(kept.self);
      this.known.set(new Map(kept.contacts.map(({ account, name, relation }) => [account, { account, name, relation, state: 'offline' }])));
    }
  }

  close(): void {
    this.fading.forEach((timer) => clearTimeout(timer));
    this.emptying.forEach((timer) => clearTimeout(timer));
  }

  /** take accepts a frame about people. */
  take(frame: Frame): void {
    switch (frame.type) {
      case 'welcome':
        this.me.set(frame.self);
        this.box.set(frame.mailbox);
        this.known.set(new Map(frame.contacts.map((person) => [person.account, person])));
        this.keep();
        break;
      case 'self':
        // Sent to all devices alike: which one this is, only welcome says.
        this.me.update((self) => ({ ...frame, device: self?.device ?? frame.device }));
        this.keep();
        break;
      case 'contact':
        this.change((people) => people.set(frame.person.account, frame.person));
        this.keep();
        break;
      case 'mailbox.usage':
        this.box.set(frame.usage);
        break;
      case 'mailbox.full':
        this.isFull(frame.account, frame.full);
        break;
      case 'presence':
        this.change((people) => frame.people.forEach((seen) => see(people, seen)));
        break;
      case 'typing.notice':
        this.wrote(frame.from);
        break;
    }
  }

  /** nameOf is what a person is called, or '' for somebody unknown. */
  nameOf(account: wire.AccountID): string {
    const self = get(this.me);
    return self?.account === account ? self.name : (get(this.known).get(account)?.name ?? '');
  }

  /** arrived ends "is writing": the message is here. */
  arrived(from: wire.AccountID): void {
    clearTimeout(this.fading.get(from));
    this.fading.delete(from);
    this.writing.set(new Set(this.fading.keys()));
  }

  /** writes tells somebody that a text to them is being written. */
  writes(to: wire.AccountID): void {
    const now = this.now();
    if (this.told.to !== to || now - this.told.at >= typingTold) {
      this.told = { to, at: now };
      this.server.tell({ type: 'typing', to });
    }
  }

  /** set changes the relation to somebody. Rejects with a Problem. */
  async set(account: wire.AccountID, action: ContactAction): Promise<void> {
    await this.server.request({ type: 'contact.set', account, action });
  }

  /** find lists members of this server by name. Rejects with a Problem. */
  async find(query: string, after = ''): Promise<{ people: wire.Person[]; more: boolean }> {
    const reply = await this.server.request({ type: 'directory', query, after, limit: 50 });
    return reply.type === 'people' ? { people: reply.people, more: reply.more === true } : { people: [], more: false };
  }

  /** show sets the own state and status text, which end at a time if one is given. Rejects with a Problem. */
  async show(state: Choosable, status: string, until = 0): Promise<void> {
    await this.server.request({ type: 'presence.set', state, status, ...(until > 0 && { until }) });
  }

  /** reach asks what a call to somebody would come to. Rejects with a Problem. */
  async reach(account: wire.AccountID): Promise<wire.Reachable | undefined> {
    const reply = await this.server.request({ type: 'reach', account });
    return reply.type === 'reachable' ? reply : undefined;
  }

  /** tellReceipts sets whether others learn what this account reads and hears. Rejects with a Problem. */
  async tellReceipts(read: boolean, played: boolean): Promise<void> {
    await this.server.request({ type: 'receipts.set', read, played });
  }

  /** hideAddress sets whether calls go through the relay only, on every device. Rejects with a Problem. */
  async hideAddress(only: boolean): Promise<void> {
    await this.server.request({ type: 'relay.set', only });
  }

  /** takeMessages sets how messages to this account are taken. Rejects with a Problem. */
  async takeMessages(taking: wire.Taking): Promise<void> {
    await this.server.request({ type: 'mailbox.set', taking });
  }

  /** screens: messages are shown while they are left. */
  screens(): boolean {
    return get(this.me)?.taking?.screen === true;
  }

  /** hidesAddress: calls go through the relay only. */
  hidesAddress(): boolean {
    return get(this.me)?.relay_only === true;
  }

  /** isFull holds until a while after it was said last: as long as one goes on writing it is said again. */
  private isFull(account: wire.AccountID, part: wire.Part): void {
    clearTimeout(this.emptying.get(account));
    this.emptying.set(
      account,
      setTimeout(() => this.full.update((full) => new Map([...full].filter(([other]) => other !== account))), fullShown),
    );
    this.full.update((full) => new Map(full).set(account, part));
  }

  /** keep stores what is known for the next time. Failing, the next time knows less. */
  private keep(): void {
    const self = get(this.me);
    if (self !== null) {
      this.db?.put('people', { self, contacts: [...get(this.known).values()] }, 'people').catch(() => {});
    }
  }

  private wrote(from: wire.AccountID): void {
    clearTimeout(this.fading.get(from));
    this.fading.set(from, setTimeout(() => this.arrived(from), typingShown));
    this.writing.set(new Set(this.fading.keys()));
  }

  private change(edit: (people: Map<wire.AccountID, wire.Person>) => void): void {
    this.known.update((people) => {
      const copy = new Map(people);
      edit(copy);
      return copy;
    });
  }
}

function see(people: Map<wire.AccountID, wire.Person>, { account, ...view }: wire.Seen): void {
  const person = people.get(account);
  if (person !== undefined) {
    const { name, relation } = person; // what the new view leaves out is gone
    people.set(account, { account, name, relation, ...view });
  }
}
