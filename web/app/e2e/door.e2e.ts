import { expect, test } from './fixtures';
import { password } from './server';
import { tone } from './sound';

test('from the first link to a first contact', async ({ house }) => {
  const server = await house.serve([]);
  const link = /http:\S+\/join\/\S+/.exec(server.printed)?.[0];
  expect(link).toBeTruthy();
  const ann = await house.open('ann', server, null);
  await ann.page.goto(link!);
  await ann.page.getByLabel('Name', { exact: true }).fill('ann');
  await ann.page.getByLabel('Password', { exact: true }).fill(password);
  await ann.press('Create account');
  await ann.press('Invite someone');
  const field = ann.page.getByLabel('Invitation link');
  await expect(field).toHaveValue(/\/join\//);
  await expect(ann.page.getByRole('img', { name: /QR code/ })).toBeVisible();
  const invitation = await field.inputValue();
  await ann.page.keyboard.press('Escape');

  const bob = await house.open('bob', server, null);
  await bob.page.goto(invitation);
  await expect(bob.page.getByText(/ann/).first()).toBeVisible();
  await bob.page.getByLabel('Name', { exact: true }).fill('bob');
  await bob.page.getByLabel('Password', { exact: true }).fill(password);
  await bob.press('Create account');
  await expect(bob.entry('ann')).toHaveAccessibleName(/available/);
  await expect(ann.entry('bob')).toHaveAccessibleName(/available/);

  // The invitation is used up, and says so.
  const eve = await house.open('eve', server, null);
  await eve.page.goto(invitation);
  await expect(eve.page.getByText('This invitation has been used already. Ask for a new one.')).toBeVisible();

  // Signing out ends it; signing in is the same device.
  await bob.press('Settings');
  await bob.press('Sign out');
  await expect(bob.page.getByLabel('Password', { exact: true })).toBeVisible();
  await expect(ann.entry('bob')).toHaveAccessibleName(/offline/);
  await bob.signIn('wrong password');
  await expect(bob.page.getByText('Name or password is wrong.')).toBeVisible();
  await bob.signIn();
});

test('found in the directory, asked, accepted', async ({ house }) => {
  const server = await house.serve([]);
  server.account('ann');
  server.account('bob');
  const ann = await house.arrive('ann', server, null);
  const bob = await house.arrive('bob', server, null);
  await ann.press('Find people');
  await ann.page.getByLabel('Search people').fill('bo');
  await ann.press('Add bob');
  await bob.press('Accept ann');
  await ann.page.keyboard.press('Escape');
  await expect(ann.entry('bob')).toHaveAccessibleName(/available/);
  await expect(bob.entry('ann')).toHaveAccessibleName(/available/);
});

test('presence is told, and a reload does not flicker', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, null);
  const bob = await house.arrive('bob', server, null);
  await bob.shows('Do not disturb', { text: 'writing' });
  await expect(ann.entry('bob')).toHaveAccessibleName(/do not disturb/);
  await expect(ann.entry('bob')).toContainText('writing');
  await bob.shows('Invisible', { text: '' });
  await expect(ann.entry('bob')).toHaveAccessibleName(/offline/);
  await bob.shows('Available');
  await expect(ann.entry('bob')).toHaveAccessibleName(/available/);
  const before = ann.frames.length;
  await bob.page.reload();
  await expect(bob.page.getByRole('button', { name: 'Settings' })).toBeVisible();
  await ann.page.waitForTimeout(6_000); // longer than the grace of a reload
  expect(ann.frames.slice(before).filter(({ frame }) => frame.type === 'presence')).toEqual([]);
});

test('until when somebody is away is said beforehand; do not disturb goes to the mailbox at once', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.talkTo('bob');
  const call = ann.page.getByRole('button', { name: 'Call', exact: true });
  await bob.shows('Away', { until: '14:00' });
  await expect(call).toHaveAccessibleDescription(/^away until (tomorrow, )?(2:00 PM|14:00)$/);
  await bob.shows('Do not disturb', { until: '14:00' });
  await expect(call).toHaveAccessibleDescription(/^do not disturb until (tomorrow, )?(2:00 PM|14:00) · calls go to the mailbox$/);
  await expect(ann.entry('bob')).toHaveAccessibleName(/do not disturb/);
  await call.click();
  await expect(ann.page.getByText(/^bob does not want to be disturbed/).first()).toBeVisible();
  expect(bob.frames.some(({ frame }) => frame.type === 'call.ring')).toBe(false);
  await ann.press('Hang up');
});

test('a microphone that is denied or missing is said in a sentence', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const denied = await house.arrive('ann', server, tone(440), { denied: true });
  await denied.talkTo('bob');
  await denied.press('Call');
  await expect(denied.page.getByText(/microphone/i).first()).toBeVisible();
  const missing = await house.arrive('bob', server, null);
  await missing.talkTo('ann');
  await missing.press('Record a voice note');
  await expect(missing.page.getByText(/microphone/i).first()).toBeVisible();
  for (const person of [denied, missing]) {
    expect(person.frames.some(({ frame }) => frame.type === 'call.invite')).toBe(false);
  }
});

test('the page says what is wrong when the server is gone, and comes back by itself', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, null);
  await server.restart();
  await expect(ann.page.getByText(/Connection lost/)).toBeHidden({ timeout: 20_000 });
  await ann.talkTo('bob');
  await ann.write('still here');
  await ann.passed('accepted');
});
