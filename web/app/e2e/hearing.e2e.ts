import { expect, test } from './fixtures';
import { tone } from './sound';
import type { Person } from './person';

const player = (person: Person) => person.page.getByRole('group', { name: /^Voice message from/ });

test('by keys a message is paused and moved in; another device goes on where one has stopped', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const laptop = await house.arrive('bob', server, null);
  const phone = await house.arrive('bob', server, null, { viewport: { width: 390, height: 844 } });
  await ann.talkTo('bob');
  await ann.press('Record a voice note');
  await ann.page.waitForTimeout(9_000);
  await ann.press('Send voice note');
  await laptop.talkTo('ann');
  await laptop.press('Play');
  await expect(player(laptop)).toContainText('0:03');
  const { keyboard } = laptop.page;
  await laptop.page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await keyboard.press(' ');
  await expect(player(laptop).getByRole('button', { name: 'Play', exact: true })).toBeVisible();
  const at = Number(/0:0(\d)/.exec((await player(laptop).textContent())!)![1]);
  await keyboard.press('ArrowLeft');
  await keyboard.press('ArrowLeft'); // not before the beginning
  await keyboard.press('ArrowRight');
  await expect(player(laptop)).toContainText('0:05');
  await laptop.page.getByRole('textbox', { name: 'Message', exact: true }).focus();
  await keyboard.press('ArrowRight'); // which is for the text
  await expect(player(laptop)).toContainText('0:05');
  expect(at).toBeLessThan(6);

  await phone.talkTo('ann');
  await expect(player(phone)).toContainText('0:05');
  await phone.press('Play');
  await expect(player(phone)).toContainText('0:06');
});

test('a program uses the mailbox with a token, until that is revoked', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, null);
  const bob = await house.arrive('bob', server, null);
  await ann.talkTo('bob');
  await ann.write('for the program to read');
  await bob.press('Settings');
  await bob.press('New token');
  await bob.page.getByLabel('Name of the program').fill('reader');
  await bob.press('Make the token');
  const token = await bob.page.locator('.made code').innerText();
  const read = () => fetch(`${server.url}/api/mailbox/messages`, { headers: { Authorization: `Bearer ${token}` } });
  const answer = await read();
  expect(answer.status).toBe(200);
  expect(JSON.stringify(await answer.json())).toContain('for the program to read');
  await bob.press('Done');
  await bob.page.getByRole('button', { name: 'Revoke the token of reader' }).click();
  await expect.poll(async () => (await read()).status).toBe(401);
});
