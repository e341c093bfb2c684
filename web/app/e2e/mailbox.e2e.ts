import { expect, test } from './fixtures';

test('a device is signed out from another', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const laptop = await house.arrive('ann', server, null);
  const phone = await house.arrive('ann', server, null, { viewport: { width: 390, height: 844 } });
  await laptop.press('Settings');
  const others = laptop.page.getByRole('button', { name: /^Sign out Chrome/ });
  await expect(others).toHaveCount(1);
  await others.click();
  await expect(phone.page.getByText(/^This browser was signed out/)).toBeVisible({ timeout: 5_000 });
  await expect(others).toHaveCount(0);
  await expect.poll(() => phone.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
  await phone.signIn(); // as a new device
});

test('nobody learns what its owner does not tell', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, null);
  const bob = await house.arrive('bob', server, null);
  const phone = await house.arrive('bob', server, null);
  await bob.press('Settings');
  await bob.page.getByRole('checkbox', { name: /when I have read/ }).uncheck();
  await expect.poll(() => phone.frames.filter(({ frame }) => frame.type === 'self').at(-1)?.frame.tell_read).toBe(false);
  await bob.page.keyboard.press('Escape');
  await ann.talkTo('bob');
  await ann.write('do you read this?');
  await bob.talkTo('ann');
  await expect(bob.message('do you read this?')).toBeVisible();
  await expect(phone.entry('ann')).not.toHaveAccessibleName(/unread/); // his own devices know
  await expect(ann.page.getByRole('img', { name: 'Delivered' })).toBeVisible();
  await bob.press('Settings');
  await bob.page.getByRole('checkbox', { name: /when I have read/ }).check();
  await bob.page.keyboard.press('Escape');
  await ann.write('and this?');
  await expect(ann.page.getByRole('img', { name: 'Read' }).first()).toBeVisible();
});

test('a full mailbox is told to its owner, to who writes and to who calls', async ({ house }) => {
  const server = await house.serve(['ann', 'bob'], '--quota-messages', '2');
  const bob = await house.arrive('bob', server, null);
  const ann = await house.arrive('ann', server, null);
  await ann.talkTo('bob');
  await ann.write('one');
  await ann.write('two');
  await expect(bob.page.getByText(/^Your mailbox is full/)).toBeVisible();
  const field = ann.page.getByRole('textbox', { name: 'Message', exact: true });
  await expect(ann.message('two')).toBeVisible();
  await expect
    .poll(async () => {
      await field.pressSequentially('a long story ');
      return ann.page.getByText(/^bob's mailbox is full/).count();
    }, { intervals: [3_500] })
    .toBe(1);
  await field.fill('three');
  await ann.press('Send');
  await expect(ann.page.getByText(/Not sent\. Their mailbox is full/)).toBeVisible();
  await bob.press('Settings');
  await expect(bob.page.getByText('2 of 2', { exact: true })).toBeVisible();
  await bob.page.keyboard.press('Escape');

  // Its owner makes room; the sender keeps what was sent.
  await bob.talkTo('ann');
  await bob.page.getByRole('button', { name: 'Delete this message' }).first().click();
  await bob.press('Delete for me');
  await expect(bob.message('one')).toHaveCount(0);
  await expect(bob.message('two')).toBeVisible();
  await expect(bob.page.getByText(/^Your mailbox is full/)).toBeHidden();
  await expect(ann.message('one')).toBeVisible();
  await ann.press('Try again');
  await expect(bob.message('three')).toBeVisible();
});
