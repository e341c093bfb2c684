// The one WebSocket of this page: it opens sessions, answers requests by id and
// comes back by itself.
//
// Order: after every connect hello goes first; nothing else leaves before the
// welcome. Failure: a socket that is silent for too long is given up, requests
// under way then fail with "disconnected" (their outcome is unknown), and the
// next attempt follows after a random pause that grows. A session that the
// server ended for good (signed out) is not opened again.

import { delay } from './backoff';
import { Problem, disconnected } from './errors';
import type * as wire from './wire';

/** Link is how the connection to the server stands. `until` is when the next attempt is made, Unix ms. */
export type Link =
  | { state: 'connecting' }
  | { state: 'open' }
  | { state: 'waiting'; until: number }
  | { state: 'stopped' };

type Without<F, K extends string> = F extends unknown ? Omit<F, K> : never;

/** Request is a frame that the server answers, without the id that Socket gives it. */
export type Request = Without<Extract<wire.ClientFrame, { id: string }>, 'id'>;

/** Reply is the frame that answers a request, when it is not an error. */
export type Reply = Extract<wire.ServerFrame, { re: string }>;

export interface Options {
  url: string;
  /** what to say first; asked at every connect, because the cursor moves */
  hello: () => Promise<wire.Hello>;
  /** every frame in order, replies to requests excepted */
  onFrame: (frame: wire.ServerFrame) => void;
  onLink: (link: Link) => void;
  /** the server refused or could not be reached: is this browser still signed in? */
  onUnreachable: () => void;
  onSignedOut: () => void;
  open?: (url: string) => WebSocket;
  random?: () => number;
  now?: () => number;
}

const requestTimeout = 20_000;
const probeTimeout = 5_000;
/** Where the network has changed a silent socket is most likely dead, and nothing is lost with it. */
const movedTimeout = 1_000;
const welcomeTimeout = 15_000;
/** A posted frame older than this would only confuse: the call it is about has been given up. */
const postLifetime = 30_000;
const closeSignedOut = 4001;
const defaultPing = 15_000;

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (error: Problem) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class Socket {
  private readonly options: Required<Options>;
  private link: Link = { state: 'stopped' };
  private ws: WebSocket | null = null;
  private attempt = 0;
  private floor = 0; // the server's wish for the next pause, ms
  private heard = true; // something came since the last ping
  private lastId = 0;
  private pause = defaultPing; // between pings, ms
  private pings: ReturnType<typeof setInterval> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private readonly waiting = new Map<string, Waiting>();
  private posted: { frame: wire.ClientFrame; at: number }[] = [];

  constructor(options: Options) {
    this.options = { open: (url) => new WebSocket(url), random: Math.random, now: Date.now, ...options };
  }

  start(): void {
    if (this.link.state === 'stopped') {
      this.connect();
    }
  }

  /** stop ends the session; the page is left or signed out. */
  stop(): void {
    this.drop(1000);
    clearTimeout(this.retry);
    this.posted = [];
    this.become({ state: 'stopped' });
  }

  /** tell sends a frame that is worth nothing later. It reports whether it left. */
  tell(frame: wire.ClientFrame): boolean {
    if (this.link.state !== 'open') {
      return false;
    }
    this.write(frame);
    return true;
  }

  /** post sends a frame now, or after the next welcome if that comes soon. */
  post(frame: wire.ClientFrame): void {
    if (!this.tell(frame)) {
      this.posted.push({ frame, at: this.options.now() });
    }
  }

  /** request sends a frame and waits for its answer. Rejects with a Problem. */
  request(frame: Request): Promise<Reply> {
    if (this.link.state !== 'open') {
      return Promise.reject(disconnected());
    }
    const id = String(++this.lastId);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(disconnected());
      }, requestTimeout);
      this.waiting.set(id, { resolve, reject, timer });
      this.write({ ...frame, id });
    });
  }

  /** helloAgain asks for the log anew, on the same socket: a position was missed. */
  async helloAgain(): Promise<void> {
    const ws = this.ws;
    const hello = await this.options.hello();
    if (this.ws === ws && this.link.state === 'open') {
      this.write(hello);
    }
  }

  /** moved asks for life at once, and does not wait long: this browser is in another network. */
  moved(): void {
    this.wake(movedTimeout);
  }

  /** wake asks for life at once: the page is back. */
  wake(patience = probeTimeout): void {
    if (this.link.state === 'waiting') {
      this.attempt = 0;
      this.connect();
    } else if (this.link.state === 'open') {
      this.beat(); // a tick that a hidden page has delayed would not wait for the answer
      this.heard = false;
      this.write({ type: 'ping' });
      this.watch(patience, () => !this.heard);
    }
  }

  private connect(): void {
    clearTimeout(this.retry);
    this.become({ state: 'connecting' });
    const ws = this.options.open(this.options.url);
    this.ws = ws;
    let opened = false;
    ws.onopen = () => {
      opened = true;
      const mine = () => this.ws === ws;
      this.options.hello().then(
        (hello) => mine() && this.write(hello),
        () => mine() && this.lost(), // nothing can be said before it
      );
    };
    ws.onmessage = (message) => this.receive(message.data as string);
    ws.onclose = (event) => {
      if (event.code === closeSignedOut) {
        this.signedOut();
        return;
      }
      this.lost();
      if (!opened) {
        this.options.onUnreachable();
      }
    };
    this.watch(welcomeTimeout, () => this.link.state === 'connecting');
  }

  private receive(data: string): void {
    const frame = JSON.parse(data) as wire.ServerFrame;
    this.heard = true;
    if ('re' in frame && typeof frame.re === 'string') {
      this.settle(frame.re, frame as Reply | wire.Error);
      return;
    }
    switch (frame.type) {
      case 'pong':
        return;
      case 'bye':
        this.floor = frame.retry_after_ms ?? 0;
        if (frame.action === 'sign_in') {
          this.signedOut();
        }
        return;
      case 'welcome':
        this.options.onFrame(frame);
        this.welcomed(frame);
        return;
      default:
        this.options.onFrame(frame);
    }
  }

  private settle(id: string, reply: Reply | wire.Error): void {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) {
      return; // given up already
    }
    this.waiting.delete(id);
    clearTimeout(waiting.timer);
    if (reply.type === 'error') {
      waiting.reject(new Problem(reply.code, reply.message, reply.retry_after_ms));
    } else {
      waiting.resolve(reply);
    }
  }

  private welcomed(welcome: wire.Welcome): void {
    if (this.link.state === 'open') {
      return; // the answer to a repeated hello
    }
    clearTimeout(this.watchdog);
    this.attempt = 0;
    this.floor = 0;
    this.pause = welcome.ping_ms || defaultPing;
    this.beat();
    this.become({ state: 'open' });
    const posted = this.posted;
    this.posted = [];
    for (const { frame, at } of posted) {
      if (this.options.now() - at < postLifetime) {
        this.write(frame);
      }
    }
  }

  /** beat pings regularly from now on. */
  private beat(): void {
    clearInterval(this.pings);
    this.pings = setInterval(() => this.ping(), this.pause);
  }

  private ping(): void {
    if (!this.heard) {
      this.lost();
      return;
    }
    this.heard = false;
    this.write({ type: 'ping' });
  }

  /** watch gives the socket up if, after ms, it is still as dead says. */
  private watch(ms: number, dead: () => boolean): void {
    clearTimeout(this.watchdog);
    const ws = this.ws;
    this.watchdog = setTimeout(() => {
      if (this.ws === ws && dead()) {
        this.lost();
      }
    }, ms);
  }

  private lost(): void {
    this.drop();
    const pause = delay(this.attempt++, this.options.random, this.floor);
    this.floor = 0;
    this.become({ state: 'waiting', until: this.options.now() + pause });
    this.retry = setTimeout(() => this.connect(), pause);
  }

  private signedOut(): void {
    this.stop();
    this.options.onSignedOut();
  }

  /** drop lets go of the socket at once; a dead one may take minutes to close. */
  private drop(code?: number): void {
    clearInterval(this.pings);
    clearTimeout(this.watchdog);
    const ws = this.ws;
    this.ws = null;
    if (ws !== null) {
      ws.onopen = ws.onmessage = ws.onclose = null;
      ws.close(code);
    }
    for (const waiting of this.waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(disconnected());
    }
    this.waiting.clear();
  }

  private write(frame: wire.ClientFrame): void {
    this.ws?.send(JSON.stringify(frame));
  }

  private become(link: Link): void {
    this.link = link;
    this.options.onLink(link);
  }
}
