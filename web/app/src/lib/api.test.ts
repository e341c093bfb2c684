import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as api from './api';

const session = { account: 'a1', name: 'Ann', admin: false, device: 'd1' };

describe('api', () => {
  let sent: { method: string; path: string; body: unknown }[];
  let answers: Response[];

  beforeEach(() => {
    sent = [];
    answers = [];
    const kept = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
      sent.push({ method: init.method!, path, body: init.body ? JSON.parse(init.body as string) : undefined });
      const answer = answers.shift();
      return answer ? Promise.resolve(answer) : Promise.reject(new TypeError('Failed to fetch'));
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

  it('is signed out, and not broken, without a session', async () => {
    answers.push(json({ code: 'no_session', title: 'You are not signed in.' }, 401));
    expect(await api.current()).toBeNull();
  });

  it('knows who was signed in while the server is away, and forgets when it says no', async () => {
    expect(api.last()).toBeNull();
    answers.push(json(session));
    await api.current();
    await expect(api.current()).rejects.toMatchObject({ code: 'disconnected' });
    expect(api.last()).toEqual(session);
    answers.push(json({ code: 'no_session', title: 'You are not signed in.' }, 401));
    await api.current();
    expect(api.last()).toBeNull();
  });

  it("says the server's sentence", async () => {
    answers.push(json({ code: 'bad_credentials', title: 'Name or password is wrong.' }, 401));
    await expect(api.signIn('ann', 'x')).rejects.toMatchObject({ code: 'bad_credentials', message: 'Name or password is wrong.' });
  });

  it('has words for an answer that is not from Parley, and for none', async () => {
    answers.push(new Response('<h1>Bad gateway</h1>', { status: 502 }));
    await expect(api.invite()).rejects.toMatchObject({ code: 'http_502', message: expect.stringContaining('502') as string });
    await expect(api.invite()).rejects.toMatchObject({ code: 'disconnected' });
  });

  it('stays the same device of an account in one browser', async () => {
    answers.push(json(session), json({ ...session, device: 'd2', name: 'bob' }), json(session));
    await api.signIn('Ann', 'x');
    await api.signIn('bob', 'x');
    await api.signIn('ann', 'x');
    expect(sent.map(({ body }) => (body as { device?: string }).device)).toEqual([undefined, undefined, 'd1']);
  });

  it('signs out without expecting a body', async () => {
    answers.push(new Response(null, { status: 204 }));
    await expect(api.signOut()).resolves.toBeUndefined();
    expect(sent[0]).toMatchObject({ method: 'DELETE', path: '/api/session' });
  });

  it('cannot be led astray by an id', () => {
    expect(api.audioURL('a/../b?c')).toBe('/api/messages/a%2F..%2Fb%3Fc/audio');
    expect(api.audioURL('m', 'download=1')).toBe('/api/messages/m/audio?download=1');
  });
});
