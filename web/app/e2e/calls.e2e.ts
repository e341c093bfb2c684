import { expect, test } from './fixtures';
import { tone } from './sound';

test('A calls B and both hear each other', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await expect(ann.entry('bob')).toHaveAccessibleName(/available/);
  await ann.talkTo('bob');
  await ann.press('Call');
  await expect(ann.page.getByText('Ringing…').first()).toBeVisible();
  await bob.press('Answer');
  await ann.hears(1000);
  await bob.hears(440);
  await expect(ann.entry('bob')).toHaveAccessibleName(/in a call/);

  await bob.press('Mute');
  await ann.hearsNothing();
  await expect(ann.page.getByText('bob is muted')).toBeVisible();
  await bob.press('Mute');
  await ann.hears(1000);

  await ann.press('Hang up');
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
  await bob.talkTo('ann');
  for (const person of [ann, bob]) {
    await expect(person.page.getByRole('main').getByText(/^Call, /)).toHaveCount(1);
    await expect(person.entry(person === ann ? 'bob' : 'ann')).toHaveAccessibleName(/available/);
  }
});

test('one puts the other on hold, and goes on', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.calls(bob);
  await bob.hears(440);
  await ann.press('Hold');
  await bob.hearsNothing();
  await expect(bob.page.getByText('ann has put you on hold').first()).toBeVisible();
  expect(await ann.page.evaluate(() => document.querySelector('audio')!.muted)).toBe(true);
  await ann.press('Hold');
  await bob.hears(440);
  await ann.hears(1000);
  await ann.press('Hang up');
});

test('through the relay only, both hear each other', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.hides();
  await bob.hides();
  await ann.calls(bob);
  await ann.hears(1000);
  await bob.hears(440);
  ann.showsOnlyRelays();
  bob.showsOnlyRelays();
  await bob.press('Hang up');
  await expect(ann.page.getByText(/^Call ended/).first()).toBeVisible();
});

test('one of two devices answers, the other stops within a second', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const laptop = await house.arrive('bob', server, tone(1000));
  const phone = await house.arrive('bob', server, tone(1500), { viewport: { width: 390, height: 844 } });
  await ann.talkTo('bob');
  await ann.press('Call');
  await expect(laptop.page.getByRole('button', { name: 'Answer' })).toBeVisible();
  await expect(phone.page.getByRole('button', { name: 'Answer' })).toBeVisible();
  await phone.press('Answer');
  await expect(laptop.page.getByRole('button', { name: 'Answer' })).toBeHidden();
  await expect(laptop.page.getByText('Answered on another device').first()).toBeVisible();
  const accepted = await phone.passed('call.accept');
  const stopped = await laptop.passed('call.stop');
  expect(stopped.frame.reason).toBe('accepted_elsewhere');
  expect(stopped.at - accepted.at).toBeLessThan(1000);
  await ann.hears(1500);
});

test('nobody answers: the mailbox does, after the ring time', async ({ house }) => {
  const server = await house.serve(['ann', 'bob'], '--ring-time', '3s');
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.talkTo('bob');
  await ann.press('Call');
  await expect(bob.page.getByRole('button', { name: 'Answer' })).toBeVisible();
  await expect(ann.page.getByText(/^No answer/).first()).toBeVisible();
  await expect(bob.page.getByRole('button', { name: 'Answer' })).toBeHidden();
  const invited = await ann.passed('call.invite');
  const diverted = await ann.passed('call.diverted');
  expect(diverted.at - invited.at).toBeGreaterThan(2800);
  expect(diverted.at - invited.at).toBeLessThan(4500);
  await ann.passed('call.recording', (frame) => frame.phase === 'greeting');
  await ann.press('Hang up');
  await bob.talkTo('ann');
  await expect(bob.page.getByRole('main').getByText('Missed call', { exact: true })).toHaveCount(1);
});

test('B declines: A is told and may leave a message', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.talkTo('bob');
  await ann.press('Call');
  await bob.press('Decline');
  await expect(ann.page.getByText(/^bob declined/).first()).toBeVisible();
  await ann.passed('call.recording', (frame) => frame.phase === 'greeting');
  await ann.press('Skip to the tone');
  await ann.passed('call.recording', (frame) => Number(frame.elapsed_ms) > 2000);
  await ann.page.keyboard.press('Escape'); // thrown away, and taken back
  await ann.press('Undo');
  await ann.passed('call.recording', (frame) => frame.phase === 'paused');
  await ann.press('Go on');
  await ann.press('Discard');
  await ann.press('Done'); // no need to wait
  await ann.passed('call.ended', (frame) => frame.reason === 'discarded');
  await bob.talkTo('ann');
  await expect(bob.page.getByRole('main').getByText('You declined a call')).toHaveCount(1);
  await expect(bob.page.getByRole('button', { name: 'Play' })).toHaveCount(0);
});

test('a ring is within reach while a dialog is open, which stays', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await bob.press('Settings');
  const dialog = bob.page.getByRole('dialog', { name: 'Settings' });
  await ann.talkTo('bob');
  await ann.press('Call');
  await expect(dialog.getByRole('region', { name: 'Call from ann' })).toBeVisible();
  await bob.press('Answer');
  await ann.hears(1000);
  await expect(dialog).toBeVisible();
  await bob.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await ann.press('Hang up');
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
});

test('crossed calls are one call', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.talkTo('bob');
  await bob.talkTo('ann');
  await Promise.all([ann.press('Call'), bob.press('Call')]);
  await ann.hears(1000);
  await bob.hears(440);
  await ann.page.waitForTimeout(1000); // a call shorter than that says no length
  await ann.press('Hang up');
  await expect(ann.page.getByRole('main').getByText(/^Call, /)).toHaveCount(1);
});

test('leaving the page ends the call at once', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.calls(bob);
  await ann.hears(1000);
  await bob.page.reload();
  await ann.passed('call.ended', (frame) => frame.reason === 'hangup');
});

test('somebody in a call hears softly of another, holds the one for it, swaps and goes back', async ({ house }) => {
  const server = await house.serve(['ann', 'bob', 'cem']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  const cem = await house.arrive('cem', server, tone(1500));
  await ann.calls(bob);
  await ann.hears(1000);
  const tones = await ann.tones();
  await cem.talkTo('ann');
  await cem.press('Call');
  await expect(cem.page.getByText('ann is in another call. Ringing quietly…').last()).toBeVisible();
  await expect(ann.page.getByLabel('Call from cem')).toBeVisible();
  await expect.poll(() => tones.evaluate((heard) => [...new Set(heard)])).toEqual([425]); // not the ring
  await expect(ann.page.getByRole('button', { name: 'End and answer' })).toBeVisible();
  await ann.press('Hold and answer');
  await Promise.all([ann.hears(1500), cem.hears(440), bob.hearsNothing()]);
  await expect(bob.page.getByText('ann has put you on hold').first()).toBeVisible();

  const beside = (name: string) => ann.page.getByRole('group', { name: `Call with ${name}, on hold` });
  await beside('bob').getByRole('button', { name: 'Swap' }).click();
  await Promise.all([ann.hears(1000), bob.hears(440), cem.hearsNothing()]);
  await expect(beside('cem')).toBeVisible();
  await ann.press('Hang up');
  await Promise.all([ann.hears(1500), cem.hears(440)]);
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
  await expect(beside('cem')).toBeHidden();
});

test('a call in another tab ends only when one says so', async ({ house }) => {
  const server = await house.serve(['ann', 'bob', 'cem']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.calls(bob);
  await ann.hears(1000);
  const tab = await ann.back();
  await tab.talkTo('cem');
  await tab.press('Call');
  await tab.press('Keep that call');
  await ann.hears(1000);
  await tab.press('Call');
  await tab.press('End it and go on');
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
  await tab.passed('call.recording', (frame) => frame.phase === 'greeting'); // cem is not there
});

test('a call answered in another tab ends the one here', async ({ house }) => {
  const server = await house.serve(['ann', 'bob', 'cem']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  const cem = await house.arrive('cem', server, tone(1500));
  await ann.calls(bob);
  await ann.hears(1000);
  const tab = await ann.back();
  await tab.passed('welcome');
  await cem.talkTo('ann');
  await cem.press('Call');
  await tab.press('Answer');
  await tab.press('End it and go on');
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
  await Promise.all([tab.hears(1500), cem.hears(440)]);
});
