// The HTTP side of the server: signing in, invitations, recordings. Errors are
// problem documents (RFC 9457), whose title is a sentence for people, and become
// a Problem.

import { Problem, disconnected } from './errors';

/** Session is who this browser is signed in as. */
export interface Session {
  account: string;
  name: string;
  admin: boolean;
  device: string;
}

/** InviteOffer is what an invitation link promises. */
export interface InviteOffer {
  /** who invites; empty for the link that makes the first account */
  inviter: string;
  first: boolean;
}

/** Invitation is a new link to hand to somebody. `expires` is Unix ms. */
export interface Invitation {
  url: string;
  expires: number;
}

/** current is the session of this browser, or null when it is signed out. */
export async function current(): Promise<Session | null> {
  try {
    const session = (await call('GET', '/api/session')) as Session;
    localStorage.setItem(sessionKey, JSON.stringify(session));
    return session;
  } catch (error) {
    if (error instanceof Problem && error.code === 'no_session') {
      localStorage.removeItem(sessionKey);
      return null;
    }
    throw error;
  }
}

/** last is who this browser was signed in as when the server was there last, or null. */
export function last(): Session | null {
  try {
    return JSON.parse(localStorage.getItem(sessionKey) ?? 'null') as Session | null;
  } catch {
    return null;
  }
}

export async function signIn(name: string, password: string): Promise<Session> {
  const session = (await call('POST', '/api/session', { name, password, ...known(name) })) as Session;
  remember(session);
  return session;
}

export async function signOut(): Promise<void> {
  await call('DELETE', '/api/session');
  localStorage.removeItem(sessionKey);
}

export async function createAccount(invite: string, name: string, password: string): Promise<Session> {
  const session = (await call('POST', '/api/accounts', { invite, name, password })) as Session;
  remember(session);
  return session;
}

export async function checkInvite(token: string): Promise<InviteOffer> {
  return (await call('GET', `/api/invites/${encodeURIComponent(token)}`)) as InviteOffer;
}

export async function invite(): Promise<Invitation> {
  const made = (await call('POST', '/api/invites')) as { url: string; expires: number | string };
  return { url: made.url, expires: new Date(made.expires).getTime() };
}

/** Device is a browser or client that is signed in as this account. `since` is Unix ms. */
export interface Device {
  id: string;
  /** what the browser says of itself */
  name: string;
  since: number;
  current: boolean;
}

export async function devices(): Promise<Device[]> {
  const rows = (await call('GET', '/api/devices')) as (Omit<Device, 'since'> & { since: string })[];
  return rows.map((row) => ({ ...row, since: new Date(row.since).getTime() }));
}

/** revoke signs a device out for good. */
export async function revoke(device: string): Promise<void> {
  await call('DELETE', `/api/devices/${encodeURIComponent(device)}`);
}

/** Scope is something that a program may do with the mailbox. */
export type Scope = 'read' | 'write' | 'inject';

/** Token lets a program use the mailbox. Times are Unix ms. */
export interface Token {
  id: string;
  name: string;
  scopes: Scope[];
  created: number;
  used?: number | undefined;
  /** the secret, only when it was just made */
  token?: string;
}

type TokenRow = Omit<Token, 'created' | 'used'> & { created: string; used?: string };

export async function tokens(): Promise<Token[]> {
  return ((await call('GET', '/api/tokens')) as TokenRow[]).map(tokenOf);
}

export async function makeToken(name: string, scopes: Scope[]): Promise<Token> {
  return tokenOf((await call('POST', '/api/tokens', { name, scopes })) as TokenRow);
}

export async function revokeToken(id: string): Promise<void> {
  await call('DELETE', `/api/tokens/${encodeURIComponent(id)}`);
}

function tokenOf(row: TokenRow): Token {
  return { ...row, created: new Date(row.created).getTime(), used: row.used === undefined ? undefined : new Date(row.used).getTime() };
}

/** audioURL is where the sound of a voice message is: as it is stored, to be downloaded, or for a browser that does not play Opus. */
export function audioURL(mid: string, how?: 'download=1' | 'format=wav'): string {
  return `/api/messages/${encodeURIComponent(mid)}/audio${how ? `?${how}` : ''}`;
}

/** Why nobody answers, as far as greetings go. */
export type GreetReason = 'any' | 'no_answer' | 'busy' | 'dnd' | 'offline';

/** Greeting is what callers hear or read when nobody answers. `until` is Unix ms. */
export interface Greeting {
  id: string;
  reason: GreetReason;
  text: string;
  /** accounts it is for; empty: everybody */
  for: string[];
  until?: number;
  /** of its sound; 0: none */
  durationMs: number;
}

export interface Greetings {
  greetings: Greeting[];
  /** by reason, the id of what a caller gets now for whom there is none in particular */
  heard: Partial<Record<GreetReason, string>>;
}

export async function greetings(): Promise<Greetings> {
  type Row = Omit<Greeting, 'until' | 'durationMs'> & { until?: string; duration_ms?: number };
  const { greetings: rows, heard } = (await call('GET', '/api/greetings')) as { greetings: Row[]; heard: Greetings['heard'] };
  return {
    heard,
    greetings: rows.map(({ until, duration_ms = 0, ...row }) => ({ ...row, durationMs: duration_ms, ...(until && { until: new Date(until).getTime() }) })),
  };
}

/** keepGreeting keeps a greeting, or changes all of it but its sound. */
export async function keepGreeting({ id, reason, text, for: callers, until }: Greeting): Promise<void> {
  const end = until === undefined ? {} : { until: new Date(until).toISOString() };
  await call('PUT', `/api/greetings/${encodeURIComponent(id)}`, { reason, text, for: callers, ...end });
}

export async function removeGreeting(id: string): Promise<void> {
  await call('DELETE', `/api/greetings/${encodeURIComponent(id)}`);
}

/** giveSound gives a greeting a recording, or takes it away with null. */
export async function giveSound(id: string, sound: Blob | null): Promise<void> {
  await call(sound === null ? 'DELETE' : 'PUT', greetingURL(id), sound ?? undefined);
}

/** reviewURL is where the sound of a message is that has not been sent yet. */
export function reviewURL(call: string, take: number): string {
  return `/api/calls/${encodeURIComponent(call)}/recording?take=${take}`;
}

/** greetingURL is where the sound of a greeting is. */
export function greetingURL(id: string): string {
  return `/api/greetings/${encodeURIComponent(id)}/audio`;
}

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': body instanceof Blob ? body.type : 'application/json' },
      body: body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body),
    });
  } catch {
    throw disconnected();
  }
  if (!response.ok) {
    throw problemOf(response.status, await response.text(), response.headers.get('Retry-After'));
  }
  return response.status === 204 ? null : response.json();
}

/** problemOf reads a refusal. retryAfter is the header of that name. */
export function problemOf(status: number, body: string, retryAfter: string | null = null): Problem {
  const fallback = `The server answered with an error (${status}).`;
  const wait = (Number(retryAfter) || 0) * 1000;
  try {
    const { code, title } = JSON.parse(body) as { code: unknown; title: unknown };
    return new Problem(String(code), typeof title === 'string' ? title : fallback, wait);
  } catch {
    // Not a problem document: something between here and the server answered.
    return new Problem(`http_${status}`, fallback, wait);
  }
}

// One browser stays one device of an account, however often it signs in: the
// id that the server gave is kept by name and shown again.

const devicesKey = 'parley.devices';
const sessionKey = 'parley.session';

function known(name: string): { device?: string } {
  const device = knownDevices()[name.toLowerCase()];
  return device === undefined ? {} : { device };
}

function remember(session: Session): void {
  localStorage.setItem(sessionKey, JSON.stringify(session));
  localStorage.setItem(devicesKey, JSON.stringify({ ...knownDevices(), [session.name.toLowerCase()]: session.device }));
}

function knownDevices(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(devicesKey) ?? '{}') as Record<string, string>;
  } catch {
    return {};
  }
}
