import type { Person } from './person';
import { expect, test } from './fixtures';
import { decode, tone } from './sound';

/** records waits until so much is recorded. */
async function records(person: Person, seconds: number): Promise<void> {
  const counter = person.page.getByRole('main').getByText(/^\d:\d\d/).last();
  await expect.poll(async () => Number((await counter.textContent())?.slice(2, 4)), { intervals: [100] }).toBeGreaterThanOrEqual(seconds);
}

/** heard are the pitches of the only voice message, as the server gives it to somebody. */
async function heard(person: Person): Promise<{ seconds: number; pitches: number[] }> {
  await expect(person.page.getByRole('button', { name: 'Play', exact: true })).toHaveCount(1, { timeout: 40_000 });
  const source = await person.page.getByRole('link', { name: 'Download', exact: true }).getAttribute('href');
  return decode(await (await person.page.request.get(source!)).body());
}

const unsent = (person: Person) => person.page.getByRole('group', { name: /^Unsent voice note/ });

test('a press records, stops to be listened to, goes on and is sent', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, null);
  await ann.talkTo('bob');
  await bob.talkTo('ann');
  await ann.press('Record a voice note');
  await records(ann, 2);
  await ann.page.keyboard.press('r'); // the field for texts has gone
  await ann.press('Listen');
  await expect.poll(() => ann.page.locator('.bar audio').evaluate((audio: HTMLAudioElement) => audio.currentTime)).toBeGreaterThan(0.5);
  await ann.press('Record on');
  await records(ann, 4);
  await ann.press('Send voice note');
  const { seconds, pitches } = await heard(bob);
  expect(seconds).toBeGreaterThan(3.5);
  expect(seconds).toBeLessThan(6);
  for (const pitch of pitches.slice(0, 3)) {
    expect(Math.abs(pitch - 440)).toBeLessThan(15);
  }
  expect(bob.frames.some(({ frame }) => frame.type === 'call.ring')).toBe(false);
});

test('holding sends when let go; sliding away cancels, which can be undone', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440), { viewport: { width: 390, height: 844 } });
  const bob = await house.arrive('bob', server, null);
  await bob.talkTo('ann');
  await ann.talkTo('bob');
  const { mouse } = ann.page;
  const button = (await ann.page.getByRole('button', { name: 'Record a voice note' }).boundingBox())!;
  const [x, y] = [button.x + 20, button.y + 20];

  await mouse.move(x, y);
  await mouse.down();
  await records(ann, 1);
  await mouse.move(x - 150, y, { steps: 5 });
  await expect(ann.page.getByText('Voice note thrown away')).toBeVisible();
  await mouse.up();
  await ann.press('Undo');
  await expect(unsent(ann)).toBeVisible();
  await unsent(ann).getByRole('button', { name: 'Discard' }).click();
  await expect(ann.page.getByText('Voice note thrown away')).toBeHidden({ timeout: 8_000 });
  await expect(unsent(ann)).toHaveCount(0);

  await mouse.move(x, y);
  await mouse.down();
  await records(ann, 1);
  await mouse.up();
  expect((await heard(bob)).seconds).toBeGreaterThan(0.9);
});

test('a tab that dies while it records leaves a draft, which is sent once', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  let ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, null);
  await bob.talkTo('ann');
  await ann.talkTo('bob');
  await ann.press('Record a voice note');
  await records(ann, 4);
  await ann.dies();
  ann = await ann.back();
  await expect(ann.page.getByText(/^You have an unsent voice note for bob, 0:0[34]/)).toBeVisible();
  await ann.press('Listen');
  await expect(unsent(ann)).toBeVisible();
  await unsent(ann).getByRole('button', { name: 'Send voice note' }).click();
  const { seconds } = await heard(bob);
  expect(seconds).toBeGreaterThan(3); // of 4 s, at most one is lost
  await expect(unsent(ann)).toHaveCount(0);
  await expect(ann.page.getByRole('button', { name: 'Play', exact: true })).toHaveCount(1);
});

test('a note recorded without the server arrives once when it is back, from a page opened anew', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  let ann = await house.arrive('ann', server, tone(440));
  await ann.talkTo('bob');
  await ann.keepsShell();
  await server.kill();
  await ann.press('Record a voice note');
  await records(ann, 2);
  await ann.press('Send voice note');
  await expect(ann.page.getByText('Waiting', { exact: true })).toBeVisible();
  await expect(ann.page.getByRole('group', { name: /^Voice note from you, on its way, 0:0[23]/ })).toBeVisible();
  await ann.leaves();
  ann = await ann.back();
  await ann.talkTo('bob');
  await server.run();
  const bob = await house.arrive('bob', server, null);
  await bob.talkTo('ann');
  expect((await heard(bob)).seconds).toBeGreaterThan(1.9);
  await expect(ann.page.getByRole('button', { name: 'Play', exact: true })).toHaveCount(1);
  await expect(ann.page.getByRole('group', { name: /on its way/ })).toHaveCount(0);
});

test('a call that comes in pauses a note and loses nothing', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.talkTo('bob');
  await bob.talkTo('ann');
  await ann.press('Record a voice note');
  await records(ann, 1);
  await bob.press('Call');
  await expect(ann.page.getByText('Paused for the call')).toBeVisible();
  await ann.press('Answer');
  await ann.passed('call.active');
  await ann.press('Hang up');
  await ann.press('Send voice note');
  expect((await heard(bob)).seconds).toBeGreaterThan(0.9);
});
