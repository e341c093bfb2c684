// What each test gets: servers and people, taken down when it is over, and
// browsers, which stay for the next.

import { writeFileSync } from 'node:fs';
import { test as base } from '@playwright/test';
import { own, Shared } from './browsers';
import { here, type Place } from './lab';
import { Person } from './person';
import { Server } from './server';

export interface House {
  /** serve starts a server; the names are accounts, each a contact of the first. */
  serve: (names: string[], ...flags: string[]) => Promise<Server>;
  /** serveAt does that somewhere else. */
  serveAt: (place: Place, names: string[], ...flags: string[]) => Promise<Server>;
  arrive: typeof Person.arrive;
  open: typeof Person.open;
}

export const test = base.extend<{ house: House }, { browsers: Shared }>({
  browsers: [
    async ({}, use) => {
      const browsers = new Shared();
      await use(browsers);
      await browsers.close();
    },
    { scope: 'worker' },
  ],
  house: async ({ browsers }, use, info) => {
    const servers: Server[] = [];
    const people: Person[] = [];
    const serveAt: House['serveAt'] = async (place, names, ...flags) => {
      const server = await Server.start(place, ...flags);
      servers.push(server);
      for (const [i, name] of names.entries()) {
        if (i === 0) {
          server.account(name);
        } else {
          await server.befriend(names[0]!, name);
        }
      }
      return server;
    };
    const open: House['open'] = async (name, server, microphone, options = {}) => {
      const person = await Person.open(name, server, microphone, options, options.place ? own : browsers);
      people.push(person);
      return person;
    };
    await use({
      serve: (names, ...flags) => serveAt(here, names, ...flags),
      serveAt,
      arrive: async (...args) => {
        const person = await open(...args);
        await person.signIn();
        return person;
      },
      open,
    });
    if (info.status !== info.expectedStatus) {
      const stories = people.map((person) => `${person.name}\n${person.story()}`);
      writeFileSync(info.outputPath('frames.txt'), stories.join('\n\n'));
      for (const [i, { name, page }] of people.entries()) {
        await page.screenshot({ path: info.outputPath(`${i}-${name}.png`) }).catch(() => {}); // it may have left
      }
    }
    await Promise.all(people.map((person) => person.close()));
    for (const server of servers) {
      await server.stop();
    }
  },
});

export { expect } from '@playwright/test';
