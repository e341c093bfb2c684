import { expect, test } from './fixtures';
import { tone } from './sound';

test('a sound test plays back what the microphone hears', async ({ house }) => {
  const server = await house.serve(['ann']);
  const ann = await house.arrive('ann', server, tone(440));
  await ann.press('Settings');
  await ann.press('Test your sound');
  await expect(ann.page.getByText('Say something').first()).toBeVisible();
  await ann.passed('call.recording', (frame) => frame.phase === 'recording' && Number(frame.level) > 20);
  await ann.passed('call.recording', (frame) => frame.phase === 'playback');
  await expect(ann.page.getByText('This is how others hear you').first()).toBeVisible();
  await ann.hears(440);
  await ann.passed('call.ended', (frame) => frame.reason === 'played_back');
  await expect(ann.page.getByText('The sound test is over').first()).toBeVisible();
  expect(ann.frames.filter(({ frame }) => frame.type === 'event')).toEqual([]); // nothing is left of it
});

test('a sound test through the relay, and one that is ended', async ({ house }) => {
  const server = await house.serve(['ann']);
  const ann = await house.arrive('ann', server, tone(440));
  await ann.hides();
  await ann.press('Settings');
  await ann.press('Test your sound');
  await ann.passed('call.recording', (frame) => frame.phase === 'playback');
  await ann.hears(440);
  ann.showsOnlyRelays();
  await ann.press('Hang up');
  await ann.passed('call.ended', (frame) => frame.reason === 'hangup');
  await expect(ann.page.getByText('The sound test is over').first()).toBeVisible();
});

test('a sound test says when it hears nothing', async ({ house }) => {
  const server = await house.serve(['ann']);
  const ann = await house.arrive('ann', server, tone(0));
  await ann.press('Settings');
  await ann.press('Test your sound');
  await expect(ann.page.getByText(/^Nothing was heard/).first()).toBeVisible({ timeout: 20_000 });
});
