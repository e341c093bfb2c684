// A voice note on its way to the server: one request with the whole sound in
// it. XMLHttpRequest, because fetch does not tell how much has left.
//
// Failure: an upload that stands still, or is cut, rejects as disconnected; the
// same cid may be sent again, whatever became of it.

import { problemOf } from './api';
import { disconnected } from './errors';
import type * as wire from './wire';

export interface Sending {
  cid: string;
  to: wire.AccountID;
  sound: Blob;
}

/** Upload sends a note, tells how much of it has left (0 to 1), and resolves to its place in the conversation. Rejects with a Problem. */
export type Upload = (sending: Sending, onProgress: (part: number) => void) => Promise<Pick<wire.Accepted, 'conv' | 'seq'>>;

/** Without a sign of life for this long the line is dead. */
const stall = 30_000; // ms

export function upload({ cid, to, sound }: Sending, onProgress: (part: number) => void): ReturnType<Upload> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => request.abort(), stall);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      alive();
      onProgress(total > 0 ? loaded / total : 0);
    };
    request.onerror = request.onabort = () => reject(disconnected());
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        accept(request.responseText, resolve, reject);
      } else {
        reject(problemOf(request.status, request.responseText, request.getResponseHeader('Retry-After')));
      }
    };
    request.onloadend = () => clearTimeout(watchdog);
    request.open('POST', `/api/notes?${new URLSearchParams({ to, cid })}`);
    request.setRequestHeader('Content-Type', sound.type);
    alive();
    request.send(sound);
  });
}

/** accept reads the answer; what is none came from something between here and the server. */
function accept(body: string, resolve: (accepted: Pick<wire.Accepted, 'conv' | 'seq'>) => void, reject: (problem: Error) => void): void {
  try {
    const { conv, seq } = JSON.parse(body) as Record<string, unknown>;
    if (typeof conv === 'string' && typeof seq === 'number') {
      resolve({ conv, seq });
      return;
    }
  } catch {
    // Not JSON.
  }
  reject(disconnected());
}
