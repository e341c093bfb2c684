// Calls as a list: those of one person that follow each other and came out the
// same way are one line.

import { received } from './log';
import type { Mailbox } from './mailbox';
import type { Source } from './pages';
import { sameDay } from './time';
import type * as wire from './wire';
import { missed } from './words';

/** Run is a line of the list: a call, or several alike. */
export interface Run {
  /** the newest */
  message: wire.Message;
  call: wire.CallEntry;
  /** this side called */
  mine: boolean;
  missed: boolean;
  count: number;
}

/** runs puts together what belongs together; messages come newest first. */
export function runs(messages: wire.Message[], me: wire.AccountID, onlyMissed: boolean): Run[] {
  const all: Run[] = [];
  for (const message of messages) {
    const { call } = message;
    if (!call) {
      continue;
    }
    const mine = !received(message, me);
    const run: Run = { message, call, mine, missed: missed(call, mine), count: 1 };
    const before = all.at(-1);
    if (onlyMissed && !run.missed) {
      continue;
    }
    if (before && alike(before, run)) {
      before.count++;
    } else {
      all.push(run);
    }
  }
  return all;
}

/** Calls with a length or a message of their own stay on their own. */
function alike(a: Run, b: Run): boolean {
  const plain = ({ call, message }: Run) => !call.duration_ms && !message.voice;
  return (
    a.message.with === b.message.with &&
    a.mine === b.mine &&
    a.missed === b.missed &&
    (a.missed || a.call.outcome === b.call.outcome) &&
    a.call.intent === b.call.intent &&
    sameDay(a.message.time, b.message.time) &&
    plain(a) &&
    plain(b)
  );
}

/** calls is where the list comes from. */
export function calls(mailbox: Pick<Mailbox, 'held' | 'fetchCalls'>): Source {
  return {
    held: (...range) => mailbox.held(({ call, folder, draft }) => call !== undefined && folder !== 'bin' && !draft, ...range),
    fetch: (limit, before) => mailbox.fetchCalls({ limit, ...(before && { before }) }),
  };
}
