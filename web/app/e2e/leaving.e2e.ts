// A message that is left instead of a call.

import { expect, test, type House } from './fixtures';
import type { Person } from './person';
import type { Server } from './server';
import { tone } from './sound';

/** speaks is ann, who has said so much (ms) to the mailbox of bob. */
async function speaks(house: House, said: number): Promise<{ ann: Person; server: Server }> {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  await ann.talkTo('bob');
  await ann.press('Call');
  await ann.passed('call.recording', (frame) => frame.phase === 'greeting');
  await ann.press('Skip to the tone');
  await ann.passed('call.recording', (frame) => Number(frame.elapsed_ms) > said);
  return { ann, server };
}

test('a message is paused, heard, spoken again, marked as urgent and sent', async ({ house }) => {
  const { ann, server } = await speaks(house, 2000);
  await ann.press('Pause');
  await expect(ann.page.getByText('Paused: nothing is recorded').last()).toBeVisible();
  await ann.press('Go on');
  await ann.passed('call.recording', (frame) => frame.phase === 'recording' && Number(frame.elapsed_ms) > 3000);
  await ann.press('Listen first');
  const sound = ann.page.getByLabel('What you have recorded');
  await expect.poll(() => sound.evaluate((audio: HTMLAudioElement) => audio.duration)).toBeGreaterThan(2.5);
  await sound.evaluate((audio: HTMLAudioElement) => audio.play());
  await expect.poll(() => sound.evaluate((audio: HTMLAudioElement) => audio.currentTime)).toBeGreaterThan(0.5);
  await ann.page.keyboard.press('Escape'); // throws nothing away that is ready to be sent
  const before = ann.frames.length;
  await ann.press('Record again');
  await expect.poll(() => ann.frames.slice(before).some(({ frame }) => frame.phase === 'recording' && Number(frame.elapsed_ms) > 1500)).toBe(true);
  await expect(sound).toHaveCount(0);
  await ann.page.getByRole('checkbox', { name: 'Urgent' }).check();
  await ann.press('Listen first');
  await ann.press('Send message');
  await ann.passed('call.ended', (frame) => frame.reason === 'message_left');

  const bob = await house.arrive('bob', server, null);
  await bob.talkTo('ann');
  await expect(bob.page.getByText('Urgent', { exact: true })).toBeVisible();
});

test('who would rather write loses neither the text nor, before it is sent, the recording', async ({ house }) => {
  const { ann } = await speaks(house, 1000);
  await ann.press('Write instead');
  const field = ann.page.getByRole('textbox', { name: 'Text instead of a voice message' });
  await field.fill('call me at nine');
  await field.press('Escape');
  await expect(field).toHaveCount(0);
  await expect(ann.page.getByText('Paused: nothing is recorded').last()).toBeVisible();
  await ann.press('Write instead');
  await expect(field).toHaveValue('call me at nine');
  await ann.press('Send text');
  await ann.passed('call.ended', (frame) => frame.reason === 'discarded');
  await expect(ann.message('call me at nine')).toBeVisible();
  await expect(ann.page.getByRole('textbox', { name: 'Message', exact: true })).toHaveValue('');
});
