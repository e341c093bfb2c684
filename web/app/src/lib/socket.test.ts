import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { delay } from './backoff';
import { Socket, type Link } from './socket';
import type * as wire from './wire';

/** FakeWebSocket is the far end of a socket, driven by the test. */
class FakeWebSocket {
  static all: FakeWebSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: wire.ClientFrame[] = [];
  closed = false;

  constructor() {
    FakeWebSocket.all.push(this);
  }
  static get last(): FakeWebSocket {
    return FakeWebSocket.all.at(-1)!;
  }
  send(data: string): void {
    this.sent.push(JSON.parse(data) as wire.ClientFrame);
  }
  close(): void {
    this.closed = true;
  }
  async accept(): Promise<void> {
    this.onopen?.();
    await vi.advanceTimersByTimeAsync(0);
  }
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  end(code = 1006): void {
    this.onclose?.({ code });
  }
  types(): string[] {
    return this.sent.map((frame) => frame.type);
  }
}

const welcome = { type: 'welcome', epoch: 'e', head: 0, ping_ms: 10_000 };

describe('Socket', () => {
  let links: Link['state'][];
  let frames: wire.ServerFrame[];
  let pos: number;
  let unreachable: number;
  let signedOut: number;
  let socket: Socket;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeWebSocket.all = [];
    links = [];
    frames = [];
    pos = 0;
    unreachable = signedOut = 0;
    socket = new Socket({
      url: 'ws://test/ws',
      hello: () => Promise.resolve({ type: 'hello', versions: [1], pos }),
      onFrame: (frame) => frames.push(frame),
      onLink: (link) => links.push(link.state),
      onUnreachable: () => unreachable++,
      onSignedOut: () => signedOut++,
      open: () => new FakeWebSocket() as unknown as WebSocket,
      random: () => 0.5,
    });
  });
  afterEach(() => {
    socket.stop();
    vi.useRealTimers();
  });

  async function connected(): Promise<FakeWebSocket> {
    socket.start();
    await FakeWebSocket.last.accept();
    FakeWebSocket.last.say(welcome);
    return FakeWebSocket.last;
  }

  it('tries again when there is nothing to say first: the database may be closed', async () => {
    let fails = true;
    const broken = new Socket({
      url: 'ws://test/ws',
      hello: () => (fails ? Promise.reject(new Error('closed')) : Promise.resolve({ type: 'hello', versions: [1] })),
      onFrame: () => {},
      onLink: (link) => links.push(link.state),
      onUnreachable: () => {},
      onSignedOut: () => {},
      open: () => new FakeWebSocket() as unknown as WebSocket,
      random: () => 0.5,
    });
    broken.start();
    await FakeWebSocket.last.accept();
    expect(FakeWebSocket.last.closed).toBe(true);
    expect(links).toEqual(['connecting', 'waiting']);
    fails = false;
    await vi.advanceTimersByTimeAsync(10_000);
    await FakeWebSocket.last.accept();
    expect(FakeWebSocket.last.types()).toEqual(['hello']);
    broken.stop();
  });

  it('says hello first and nothing else before the welcome', async () => {
    socket.start();
    socket.post({ type: 'call.ringing', call: 'c' });
    expect(socket.tell({ type: 'typing', to: 'bob' })).toBe(false);
    await FakeWebSocket.last.accept();
    expect(FakeWebSocket.last.types()).toEqual(['hello']);
    FakeWebSocket.last.say(welcome);
    expect(FakeWebSocket.last.types()).toEqual(['hello', 'call.ringing']);
    expect(links).toEqual(['connecting', 'open']);
    expect(frames.map((frame) => frame.type)).toEqual(['welcome']);
  });

  it('matches replies by id, whatever their order', async () => {
    const ws = await connected();
    const first = socket.request({ type: 'directory', query: 'a' });
    const second = socket.request({ type: 'directory', query: 'b' });
    const [a, b] = ws.sent.slice(-2) as wire.Directory[];
    ws.say({ type: 'people', re: b!.id, people: [] });
    ws.say({ type: 'error', re: a!.id, code: 'rate_limited', message: 'Slowly.', retry_after_ms: 7 });
    await expect(second).resolves.toMatchObject({ type: 'people' });
    await expect(first).rejects.toMatchObject({ code: 'rate_limited', message: 'Slowly.', retryAfterMs: 7 });
  });

  it('fails requests whose answer was cut off, and those made while away', async () => {
    const ws = await connected();
    const cut = expect(socket.request({ type: 'directory' })).rejects.toMatchObject({ code: 'disconnected' });
    ws.end();
    await cut;
    await expect(socket.request({ type: 'directory' })).rejects.toMatchObject({ code: 'disconnected' });
  });

  it('gives up on a request that is never answered', async () => {
    const ws = await connected();
    const answer = expect(socket.request({ type: 'directory' })).rejects.toMatchObject({ code: 'disconnected' });
    for (let i = 0; i < 5; i++) {
      await vi.advanceTimersByTimeAsync(5_000);
      ws.say({ type: 'pong' });
    }
    await answer;
  });

  it('comes back with the cursor of that moment', async () => {
    const ws = await connected();
    pos = 41;
    ws.end();
    expect(links.at(-1)).toBe('waiting');
    await vi.advanceTimersByTimeAsync(125); // 0.5 of 250 ms
    expect(FakeWebSocket.all).toHaveLength(2);
    await FakeWebSocket.last.accept();
    expect(FakeWebSocket.last.sent[0]).toMatchObject({ type: 'hello', pos: 41 });
  });

  it('waits longer after each failure and at least as long as the server asked', async () => {
    const ws = await connected();
    ws.say({ type: 'bye', action: 'reconnect', reason: 'restart', retry_after_ms: 3_000 });
    ws.end(1012);
    await vi.advanceTimersByTimeAsync(3_100);
    expect(FakeWebSocket.all).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(25);
    expect(FakeWebSocket.all).toHaveLength(2);
    FakeWebSocket.last.end();
    expect(unreachable).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(FakeWebSocket.all).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(13); // 0.5 of 425 ms
    expect(FakeWebSocket.all).toHaveLength(3);
  });

  it('gives up a silent socket without waiting for it to close', async () => {
    const ws = await connected();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ws.types()).toEqual(['hello', 'ping']);
    ws.say({ type: 'pong' });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ws.closed).toBe(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ws.closed).toBe(true);
    expect(links).toContain('waiting');
  });

  it('probes when the page is back, and reconnects at once when it waited', async () => {
    const ws = await connected();
    socket.wake();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ws.closed).toBe(true);
    socket.wake();
    expect(FakeWebSocket.all).toHaveLength(2);
  });

  it('waits for the answer to a probe however near the next ping was', async () => {
    const ws = await connected();
    await vi.advanceTimersByTimeAsync(9_980);
    socket.wake();
    await vi.advanceTimersByTimeAsync(40);
    ws.say({ type: 'pong' });
    await vi.advanceTimersByTimeAsync(9_900);
    expect(ws.closed).toBe(false);
  });

  it('gives up a silent socket after a second in another network', async () => {
    const ws = await connected();
    socket.moved();
    await vi.advanceTimersByTimeAsync(900);
    ws.say({ type: 'pong' });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ws.closed).toBe(false);
    socket.moved();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ws.closed).toBe(true);
  });

  it('keeps a posted frame over a short break and drops it after a long one', async () => {
    (await connected()).end();
    socket.post({ type: 'call.hangup', call: 'old' });
    await vi.advanceTimersByTimeAsync(31_000);
    socket.post({ type: 'call.hangup', call: 'new' });
    await FakeWebSocket.last.accept();
    FakeWebSocket.last.say(welcome);
    expect(FakeWebSocket.last.sent.slice(1)).toEqual([{ type: 'call.hangup', call: 'new' }]);
  });

  it('does not come back after being signed out', async () => {
    (await connected()).say({ type: 'bye', action: 'sign_in', reason: 'signed out' });
    expect(signedOut).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeWebSocket.all).toHaveLength(1);
    expect(links.at(-1)).toBe('stopped');
  });

  it('says hello again on the same socket', async () => {
    const ws = await connected();
    pos = 3;
    await socket.helloAgain();
    expect(ws.sent.at(-1)).toMatchObject({ type: 'hello', pos: 3 });
    ws.say(welcome);
    expect(links.filter((state) => state === 'open')).toHaveLength(1);
  });
});

describe('delay', () => {
  it('grows from 250 ms to the cap, with full jitter', () => {
    expect(delay(0, () => 1)).toBe(250);
    expect(delay(1, () => 1)).toBe(425);
    expect(delay(50, () => 1)).toBe(20_000);
    expect(delay(50, () => 0)).toBe(0);
    expect(delay(0, () => 0, 900)).toBe(900);
  });
});
