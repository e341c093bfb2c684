// Half a minute passes until a conversation counts as broken off.

import { expect, test } from './fixtures';
import { tone } from './sound';

test('whoever remains finishes as a message of the same call', async ({ house }) => {
  test.setTimeout(120_000);
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.calls(bob);
  await bob.hears(440);
  await bob.vanishes();
  const finish = ann.page.getByRole('button', { name: 'Finish as a message' });
  await expect(finish).toBeVisible({ timeout: 45_000 });
  await finish.click();
  await ann.passed('call.recording', (frame) => Number(frame.elapsed_ms) > 1500);
  await ann.press('Hang up');
  const { call } = (await ann.passed('call.invite')).frame;
  await ann.passed('call.ended', (frame) => frame.call === call && frame.reason === 'message_left');
  expect(ann.frames.filter(({ frame }) => frame.type === 'call.invite')).toHaveLength(1);
  const again = await house.arrive('bob', server, tone(1000));
  await again.talkTo('ann');
  await expect(again.page.getByRole('main').getByRole('button', { name: 'Play' })).toHaveCount(1);
  await expect(again.page.getByRole('main').getByText(/^Call, .*connection lost/)).toHaveCount(1);
});
