import { expect, test } from './fixtures';
import { tone } from './sound';

test('a written greeting is kept, read by who calls in vain, and skipped', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const bob = await house.arrive('bob', server, null);
  await bob.press('Settings');
  await bob.press('Change greetings');
  await bob.press('Add a greeting: Offline');
  const form = bob.page.getByRole('dialog', { name: 'Greeting', exact: true });
  await form.getByRole('button', { name: 'Save greeting' }).click();
  await expect(form.getByRole('alert')).toHaveText('Write or record what callers get.');
  await form.getByRole('textbox', { name: 'Text' }).fill('Back at 14:00. Write if it burns.');
  await form.getByLabel('Until').fill('2099-01-02T14:00');
  await form.getByRole('button', { name: 'Save greeting' }).click();
  const offline = bob.page.getByRole('listitem', { name: 'Offline' });
  await expect(offline.getByText('Callers get: Back at 14:00.')).toBeVisible();
  await expect(offline.getByText(/^until .*2099/)).toBeVisible();
  await bob.leaves();

  const ann = await house.arrive('ann', server, tone(440));
  await expect(ann.entry('bob')).toHaveAccessibleName(/offline/);
  await ann.talkTo('bob');
  await ann.press('Call');
  await expect(ann.page.getByText('Back at 14:00. Write if it burns.')).toBeVisible();
  await ann.passed('call.recording', (frame) => frame.phase === 'greeting');
  await ann.page.keyboard.press('#');
  await ann.passed('call.recording', (frame) => Number(frame.elapsed_ms) > 1000);
  await ann.press('Hang up');
  await ann.passed('call.ended', (frame) => frame.reason === 'message_left');
});

test('a recorded greeting is what the caller hears', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const bob = await house.arrive('bob', server, tone(1000));
  await bob.press('Settings');
  await bob.press('Change greetings');
  await bob.press('Add a greeting: Standard');
  await bob.press('Record');
  await bob.page.waitForTimeout(5_000); // of sound
  await bob.press('Stop recording');
  await expect(bob.page.getByRole('button', { name: 'Record again' })).toBeVisible();
  await bob.press('Save greeting');
  await expect(bob.page.getByRole('listitem', { name: 'Offline' }).getByText(/Callers get: Recording, [45] s/)).toBeVisible();
  await bob.leaves();

  const ann = await house.arrive('ann', server, tone(440));
  await expect(ann.entry('bob')).toHaveAccessibleName(/offline/);
  await ann.talkTo('bob');
  await ann.press('Call');
  await ann.passed('call.recording', (frame) => frame.phase === 'greeting');
  await ann.hears(1000);
  await ann.press('Hang up');
});
