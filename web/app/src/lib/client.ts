// Everything of a signed-in account on this page, built here top to bottom:
// socket, mailbox, outbox, people, calls, voice notes. Frames come in at one
// place and go to whoever they are about.

import { get, writable, type Readable } from 'svelte/store';
import type { Session } from './api';
import { mayNotify, watchIdle } from './attention';
import type { Intent } from './call';
import { Calls } from './calls';
import { draftKept, progressOf, stoppedOf } from './callwords';
import { openDatabase, type Database } from './database';
import { Drafts } from './drafts';
import { Elsewhere } from './elsewhere';
import { Problem, sentenceOf } from './errors';
import { Hearing } from './hearing';
import { watchPage } from './lifecycle';
import { Mailbox } from './mailbox';
import { openCamera, openMicrophone } from './microphone';
import { Notes } from './notes';
import { Notices } from './notices';
import { Outbox } from './outbox';
import { People } from './people';
import { Ringing, type Ring } from './ringing';
import { Screening, type Screen } from './screening';
import { route } from './route.svelte';
import * as settings from './settings';
import { Socket, type Link } from './socket';
import { mayRing } from './tones';
import { upload } from './upload';
import { Version, MaxText } from './wire';
import type * as wire from './wire';
import { endedOf } from './words';

/** How long a draft is offered outside its conversation, ms. */
const draftOffered = 60_000;

export interface Events {
  /** messages of others that are new; nobody may be looking */
  onArrived: (messages: wire.Message[]) => void;
  /** the server could not be reached or refused: is this browser still signed in? */
  onUnreachable: () => void;
  onSignedOut: () => void;
}

export class Client {
  readonly link: Readable<Link>;
  readonly notices = new Notices();
  readonly people: People;
  readonly mailbox: Mailbox;
  readonly hearing: Hearing;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly notes: Notes;
  readonly calls: Calls;
  readonly ringing: Ringing;
  readonly screening: Screening;
  /** a newer page has taken over the database: this one has to be loaded anew */
  readonly stale = writable(false);
  /** what would end a call in another tab, and waits for a word */
  readonly question = writable<{ go: () => Promise<void> } | null>(null);
  /** bytes of the longest text that the server takes */
  maxText = MaxText;
  /** the longest voice note that the server takes, ms; until it has said so, its usual one */
  maxNote = 180_000;

  private readonly state = writable<Link>({ state: 'stopped' });
  private readonly socket: Socket;
  private readonly stops: (() => void)[] = [];
  private ice: wire.IceServer[] = [];
  private idle = false;
  private readonly elsewhere: Elsewhere;

  /** open brings the account's page to life. Rejects with a Problem when this browser can store nothing. */
  static async open(session: Session, events: Events): Promise<Client> {
    let db: Database;
    let client: Client | undefined;
    try {
      db = await openDatabase(session.account, () => client?.retire());
    } catch {
      throw new Problem('storage', 'This browser lets Parley store nothing. Private windows do that; so do full disks.');
    }
    client = new Client(session, events, db);
    return client;
  }

  private constructor(
    readonly session: Session,
    events: Events,
    private readonly db: Database,
  ) {
    this.link = this.state;
    const socket = new Socket({
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
      hello: () => this.hello(),
      onFrame: (frame) => this.take(frame),
      onLink: (link) => this.linked(link),
      onUnreachable: events.onUnreachable,
      onSignedOut: events.onSignedOut,
    });
    const server = {
      tell: (frame: wire.ClientFrame) => socket.tell(frame),
      post: (frame: wire.ClientFrame) => socket.post(frame),
      request: socket.request.bind(socket),
      helloAgain: () => socket.helloAgain(),
    };
    this.socket = socket;
    this.people = new People(server, Date.now, db);
    void this.people.recall();
    this.mailbox = new Mailbox({
      db,
      server,
      reader: { account: session.account, nameOf: (account) => this.people.nameOf(account) },
      onArrived: (messages) => {
        messages.forEach((message) => this.people.arrived(message.from));
        events.onArrived(messages);
      },
      onStored: (cids) => this.calls.kept(cids),
      onFailure: () => this.notices.problem('This browser could not store your messages. Is its disk full?'),
    });
    const shared = { name: `parley-${session.account}`, db, onChange: () => this.mailbox.changed() };
    const callLock = `${shared.name}-call`;
    this.outbox = new Outbox({ ...shared, callLock, request: server.request, upload });
    this.drafts = new Drafts(shared);
    this.hearing = new Hearing({
      mailbox: this.mailbox,
      account: session.account,
      nameOf: (account) => this.people.nameOf(account),
    });
    this.elsewhere = new Elsewhere(callLock, () => this.calls.hangUp());
    this.calls = new Calls({
      ...server,
      ice: () => this.ice,
      relayOnly: () => this.people.hidesAddress() || settings.relayOnlyHere(),
      microphone: () => openMicrophone(settings.sound()),
      camera: () => openCamera(settings.sound().camera),
      typing: settings.typing,
      holding: {
        hold: (to, { cid, text }) => this.outbox.hold(to, cid, text),
        delivered: (cid) => void this.outbox.remove(cid),
        undelivered: (cids) => void this.outbox.letGo(cids),
      },
      onNotice: (text) => this.notices.say(text),
      onEndedBeside: (call) => this.notices.say(`${call.name}: ${progressOf(call)}`),
    });
    this.stops.push(this.elsewhere.follow(this.calls.busy));
    this.ringing = new Ringing({
      post: server.post,
      noticeable: () => document.visibilityState === 'visible' || mayRing() || mayNotify(),
      onStopped: (ring, reason) => this.notices.say(stoppedOf(ring.name, reason)),
    });
    this.screening = new Screening({
      post: server.post,
      ice: () => this.ice,
      relayOnly: () => this.people.hidesAddress() || settings.relayOnlyHere(),
      onNothing: (name) => this.notices.say(`There is nothing to hear of ${name} now.`),
    });
    this.notes = new Notes({
      db,
      drafts: this.drafts,
      flush: () => this.outbox.flush(),
      inCall: () => get(this.calls.busy),
      limitMs: () => this.maxNote,
      onDiscarded: (undo, forMs) => this.notices.offer('Voice note thrown away', { label: 'Undo', run: undo }, forMs),
      onEnded: (why) => this.notices.say(endedOf(why)),
    });
    this.stops.push(
      this.mailbox.onChange(() => {
        void this.outbox.show();
        void this.drafts.show();
      }),
      this.calls.busy.subscribe((busy) => busy && this.notes.interrupt('call')),
      this.ringing.rings.subscribe((rings) => rings.length > 0 && this.notes.interrupt('call')),
    );
    this.follow();
    void this.drafts.recall();
    void this.mailbox.show();
    socket.start();
  }

  /** close ends everything: signed out, or the page goes to another account. */
  close(): void {
    this.calls.hangUp();
    this.stops.forEach((stop) => stop());
    this.socket.stop();
    this.ringing.close();
    this.screening.clear();
    this.outbox.close();
    this.hearing.close();
    this.people.close();
    void this.closeStored().catch(() => {}); // signed out, it is being deleted already
  }

  /** retire ends the session, in which nothing could be stored; a call under way ends first. */
  private retire(): void {
    this.stale.set(true);
    this.stops.push(this.calls.busy.subscribe((busy) => busy || this.socket.stop()));
  }

  /** closeStored lets go of the database when what was being recorded is in it. */
  private async closeStored(): Promise<void> {
    try {
      await this.notes.close();
    } finally {
      this.drafts.close();
      this.mailbox.close();
      this.db.close();
    }
  }

  /** retryNow connects without waiting any longer. */
  retryNow(): void {
    this.socket.wake();
  }

  /** start calls somebody, or answers if that person is calling, with a call under way here on hold. What fails is said in a notice. */
  start(to: wire.AccountID, name: string, intent: Intent): Promise<void> {
    const ring = get(this.ringing.rings).find((one) => one.from === to);
    if (ring?.intent === intent) {
      return this.answer(ring, true);
    }
    return this.askFirst(() => this.attempt(() => this.calls.start(to, name, intent)));
  }

  /** testSound calls the server, which plays back what it hears. What fails is said in a notice. */
  testSound(): Promise<void> {
    return this.askFirst(() => this.attempt(() => this.calls.start(this.session.account, 'Sound test', 'echo')));
  }

  /** record begins a voice note. What fails is said in a notice. */
  record(to: wire.AccountID, held = false): Promise<void> {
    return this.attempt(() => this.notes.start(to, held));
  }

  /** answer takes a ringing call, in the place of the one that is under way here or with that on `hold`. What fails is said in a notice. */
  answer(ring: Ring, hold = false): Promise<void> {
    return this.askFirst(() =>
      this.attempt(async () => {
        if (await this.calls.answer(ring, hold)) {
          this.ringing.remove(ring.call);
        }
      }),
    );
  }

  /** pickUp takes the call of somebody who is leaving a message, as answer does. What fails is said in a notice. */
  pickUp(screen: Screen, hold = false): Promise<void> {
    return this.askFirst(() =>
      this.attempt(async () => {
        this.screening.unlisten(screen.call);
        await this.calls.pickUp(screen, hold);
      }),
    );
  }

  /** askFirst goes on at once, or asks before it ends a call in another tab. */
  private async askFirst(go: () => Promise<void>): Promise<void> {
    if (await this.elsewhere.busy()) {
      this.question.set({ go });
    } else {
      await go();
    }
  }

  /** attempt runs what a person asked for and says it if it fails. */
  async attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.notices.problem(sentenceOf(error));
    }
  }

  private async hello(): Promise<wire.Hello> {
    const cursor = await this.mailbox.cursor();
    return { type: 'hello', versions: [Version], ...cursor, idle: this.idle, summary: true, calls: [...this.calls.known(), ...this.ringing.held()] };
  }

  private linked(link: Link): void {
    this.state.set(link);
    if (link.state === 'open') {
      this.outbox.welcomed();
      this.calls.resumed();
    }
  }

  private take(frame: wire.ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.screening.clear();
        this.ice = frame.ice;
        this.maxText = frame.limits.text;
        this.maxNote = frame.limits.recording_ms;
        this.people.take(frame);
        this.mailbox.take(frame);
        void this.handOverChoices();
        break;
      case 'ice':
        this.ice = frame.ice;
        break;
      case 'snapshot':
      case 'event':
        this.mailbox.take(frame);
        if (frame.type === 'event' && frame.message?.draft && !frame.message.gone) {
          this.offerDraft(frame.message);
        }
        break;
      case 'mailbox.summary':
        this.mailbox.sum(frame);
        break;
      case 'self':
      case 'contact':
      case 'presence':
      case 'typing.notice':
      case 'mailbox.usage':
      case 'mailbox.full':
        this.people.take(frame);
        break;
      case 'call.screen':
      case 'call.listening':
        this.screening.take(frame);
        break;
      case 'call.ring':
        this.ring(frame);
        break;
      case 'call.stop':
      case 'call.granted':
      case 'call.ended':
        this.calls.take(frame);
        this.ringing.take(frame);
        break;
      case 'error':
        this.calls.take(frame);
        break;
      default:
        if (frame.type.startsWith('call.')) {
          this.calls.take(frame as Parameters<Calls['take']>[0]);
        }
    }
  }

  /** offerDraft says that there is something that was said and not sent. */
  private offerDraft({ with: other }: wire.Message): void {
    const label = route.with === other ? 'Got it' : 'Show';
    this.notices.offer(draftKept(this.people.nameOf(other)), { label, run: () => route.open(other) }, draftOffered);
  }

  /** handOverChoices makes a choice of this browser one of the account. Failing, it counts here and is tried again. */
  private async handOverChoices(): Promise<void> {
    try {
      if (settings.relayOnlyHere()) {
        await this.people.hideAddress(true);
        settings.forgetRelayOnly();
      }
    } catch {
      // with the next welcome
    }
  }

  /** ring rings, unless the call is the other half of the own one. */
  private ring(frame: wire.CallRing): void {
    if (frame.replaces && this.calls.inviting(frame.replaces)) {
      const { call, from, name, intent, offer } = frame;
      void this.attempt(() => this.calls.cross({ call, from, name, intent, offer, silenced: false }));
    } else if (!this.calls.known().includes(frame.call)) {
      this.ringing.take(frame); // it is not answered here already
    }
  }

  /** follow listens to the page: seen, hidden, moved to another network, left, untouched. */
  private follow(): void {
    this.stops.push(
      watchPage({
        seen: () => {
          this.socket.wake();
          this.ringing.noticed();
        },
        hidden: () => this.notes.interrupt('hidden'),
        moved: () => {
          this.socket.moved();
          this.calls.moved();
        },
        left: () => this.calls.left(), // its microphone goes with the page
      }),
      watchIdle((idle) => {
        this.idle = idle;
        this.socket.tell({ type: 'presence.idle', idle });
      }),
    );
  }
}
