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
  await expect(bob.message('one')).toHaveCount(0);
  await expect(bob.message('two')).toBeVisible();
  await expect(bob.page.getByText(/^Your mailbox is full/)).toBeHidden();
  await expect(ann.message('one')).toBeVisible();
  await ann.press('Try again');
  await expect(bob.message('three')).toBeVisible();
});

test('what is deleted can be restored, on every device', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, null);
  const bob = await house.arrive('bob', server, null);
  const phone = await house.arrive('bob', server, null, { viewport: { width: 390, height: 844 } });
  await ann.talkTo('bob');
  await ann.write('the key is under the mat');
  await bob.talkTo('ann');
  await bob.page.getByRole('button', { name: 'Delete this message' }).click();
  await expect(bob.message('the key is under the mat')).toHaveCount(0);

  await phone.page.getByRole('link', { name: 'Mailbox' }).click();
  await expect(phone.page.getByText('Nobody has left you anything.')).toBeVisible();
  await phone.press('Bin');
  await expect(phone.page.getByText('Deleted for good in 30 days')).toBeVisible();
  await phone.press('Restore');
  await expect(phone.page.getByText('The bin is empty.')).toBeVisible();
  await expect(bob.message('the key is under the mat')).toBeVisible();
  await expect(ann.message('the key is under the mat')).toBeVisible();
});

test('a message is passed on, and its sender sees how far it came', async ({ house }) => {
  const server = await house.serve(['bob', 'ann', 'eve']);
  const ann = await house.arrive('ann', server, null);
  const bob = await house.arrive('bob', server, null);
  const eve = await house.arrive('eve', server, null);
  await ann.talkTo('bob');
  await ann.write('lunch at one');
  await bob.page.getByRole('link', { name: 'Mailbox' }).click();
  await bob.press('More');
  await bob.press('Forward');
  await bob.page.getByLabel('Comment').fill('will you come?');
  await bob.press('Forward to eve');
  await eve.talkTo('bob');
  await expect(eve.message('lunch at one')).toBeVisible();
  await expect(eve.page.getByText('will you come?', { exact: true })).toBeVisible();
  await expect(eve.page.getByText(/^Forwarded from ann, Today/)).toBeVisible();
  await ann.press('About this message');
  await expect(ann.page.getByText('Delivered to a device')).toBeVisible();
});
