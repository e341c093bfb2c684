import type { Person } from './person';
import { expect, test } from './fixtures';

const texts = (person: Person, pattern: RegExp) => person.page.getByRole('main').getByText(pattern);

test('a text written without the server, in a page that was closed and opened again, arrives once', async ({ house }) => {
  const server = await house.serve(['ann', 'bob', 'eve']);
  let ann = await house.arrive('ann', server, null);
  await ann.talkTo('bob');
  await ann.write('before');
  await expect(ann.entry('bob')).toContainText('before'); // from the log, not only from the outbox
  await ann.keepsShell();
  await server.kill();

  await ann.write('in the dark 1');
  await expect(ann.page.getByText('Waiting', { exact: true }).first()).toBeVisible();
  await ann.leaves();
  ann = await ann.back(); // the server is still away
  await expect(ann.entry('bob')).toContainText('before');
  await ann.talkTo('bob');
  await expect(texts(ann, /^(before|in the dark \d)$/)).toHaveText(['before', 'in the dark 1']);
  await ann.write('in the dark 2');
  await ann.talkTo('eve'); // nothing was said to her yet, but she is known
  await ann.write('in the dark 3');
  await expect(ann.page.getByText(/Connection lost/)).toBeVisible();
  await ann.leaves();
  ann = await ann.back();

  await server.run();
  await ann.triesNow();
  const bob = await house.arrive('bob', server, null);
  await bob.talkTo('ann');
  await expect(texts(bob, /^(before|in the dark \d)$/)).toHaveText(['before', 'in the dark 1', 'in the dark 2']);
  const eve = await house.arrive('eve', server, null);
  await eve.talkTo('ann');
  await expect(texts(eve, /^in the dark/)).toHaveText(['in the dark 3']);
  await ann.talkTo('bob');
  await expect(texts(ann, /^(before|in the dark \d)$/)).toHaveText(['before', 'in the dark 1', 'in the dark 2']);
});

test('the page opens without the server, and keeps nothing of the API', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  let ann = await house.arrive('ann', server, null);
  const bob = await house.arrive('bob', server, null);
  await bob.talkTo('ann');
  await bob.write('read me later');
  await expect(ann.entry('bob')).toContainText('read me later');
  await ann.keepsShell();
  const kept = await ann.page.evaluate(async () => {
    const found: string[] = [];
    for (const name of await caches.keys()) {
      for (const request of await (await caches.open(name)).keys()) {
        found.push(new URL(request.url).pathname);
      }
    }
    return found;
  });
  expect(kept).toContain('/');
  expect(kept.filter((path) => path.startsWith('/api') || path.startsWith('/ws') || path.startsWith('/join'))).toEqual([]);
  await ann.leaves();
  await server.kill();

  ann = await ann.back();
  await ann.talkTo('bob');
  await expect(ann.message('read me later')).toBeVisible();
  await server.run();
  await ann.triesNow();
  // Signed out, nothing is left to be opened.
  await ann.press('Settings');
  await ann.press('Sign out');
  await expect(ann.page.getByLabel('Password', { exact: true })).toBeVisible();
  await server.kill();
  await ann.leaves();
  ann = await ann.back();
  await expect(ann.page.getByLabel('Password', { exact: true })).toBeVisible();
  await expect(ann.page.getByText('read me later')).toHaveCount(0);
  await server.run();
});

test('two tabs of one browser are one device', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const first = await house.arrive('ann', server, null);
  const second = await first.back();
  const bob = await house.arrive('bob', server, null);
  await first.talkTo('bob');
  await second.talkTo('bob');
  await bob.talkTo('ann');

  await bob.write('to both');
  for (const tab of [first, second]) {
    await expect(tab.message('to both')).toBeVisible();
  }
  for (const text of ['one', 'two', 'three']) {
    await first.write(text);
  }
  await second.write('four');
  for (const person of [first, second, bob]) {
    await expect(texts(person, /^(to both|one|two|three|four)$/)).toHaveCount(5);
    await expect(texts(person, /^(one|two|three)$/)).toHaveText(['one', 'two', 'three']);
  }
  const sends = [first, second].flatMap((tab) => tab.frames.filter(({ sent, frame }) => sent && frame.type === 'send'));
  expect(sends).toHaveLength(4); // neither repeats what the other sends

  await second.press('Settings');
  await expect(second.page.getByText(/^This browser · /)).toHaveCount(1);
  await expect(second.page.getByRole('button', { name: /^Sign out .* on / })).toHaveCount(0);
  await second.page.keyboard.press('Escape');

  await first.leaves();
  await second.write('still here');
  await expect(bob.message('still here')).toBeVisible();
  await expect(bob.entry('ann')).toHaveAccessibleName(/available/);
});
