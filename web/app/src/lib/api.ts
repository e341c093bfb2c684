// The HTTP side of the server: signing in, invitations, recordings. Errors are
// problem documents (RFC 9457) and become a Problem with a sentence.

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

const sentences: Record<string, string> = {
  bad_credentials: 'That name and password do not belong together.',
  no_session: 'You are signed out. Sign in again.',
  invite_used: 'This invitation has been used already. Ask for a new one.',
  invite_expired: 'This invitation is too old. Ask for a new one.',
  invite_unknown: 'This invitation is not known here. Check that the link is whole.',
  name_taken: 'Somebody here has that name already. Choose another.',
  bad_name: 'That name cannot be used. Up to 32 letters, digits, dots, dashes and underscores are fine.',
  weak_password: 'That password is too short. Use at least 8 characters.',
  rate_limited: 'That was too often at once. Wait a minute and try again.',
  forbidden_origin: 'This page was opened under an address that the server does not accept.',
};

/** current is the session of this browser, or null when it is signed out. */
export async function current(): Promise<Session | null> {
  try {
    return (await call('GET', '/api/session')) as Session;
  } catch (error) {
    if (error instanceof Problem && error.code === 'no_session') {
      return null;
    }
    throw error;
  }
}

export async function signIn(name: string, password: string): Promise<Session> {
  const session = (await call('POST', '/api/session', { name, password, ...known(name) })) as Session;
  remember(session);
  return session;
}

export async function signOut(): Promise<void> {
  await call('DELETE', '/api/session');
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

/** audioURL is where the sound of a voice message is. */
export function audioURL(mid: string, download = false): string {
  return `/api/messages/${encodeURIComponent(mid)}/audio${download ? '?download=1' : ''}`;
}

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw disconnected();
  }
  if (!response.ok) {
    throw await problemOf(response);
  }
  return response.status === 204 ? null : response.json();
}

async function problemOf(response: Response): Promise<Problem> {
  let code = response.status === 401 ? 'no_session' : `http_${response.status}`;
  let detail = '';
  try {
    const document = (await response.json()) as { code?: unknown; detail?: unknown; title?: unknown };
    code = typeof document.code === 'string' ? document.code : code;
    detail = String(document.detail ?? document.title ?? '');
  } catch {
    // Not a problem document: something between here and the server answered.
  }
  return new Problem(code, sentences[code] ?? (detail || `The server answered with an error (${response.status}).`));
}

// One browser stays one device of an account, however often it signs in: the
// id that the server gave is kept by name and shown again.

const devicesKey = 'parley.devices';

function known(name: string): { device?: string } {
  const device = devices()[name.toLowerCase()];
  return device === undefined ? {} : { device };
}

function remember(session: Session): void {
  localStorage.setItem(devicesKey, JSON.stringify({ ...devices(), [session.name.toLowerCase()]: session.device }));
}

function devices(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(devicesKey) ?? '{}') as Record<string, string>;
  } catch {
    return {};
  }
}
