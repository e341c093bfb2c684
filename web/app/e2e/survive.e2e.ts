// What a call survives.

import { expect, test } from './fixtures';
import { flowOf, watchFlow } from './flow';
import { tone } from './sound';

test('the server is killed during a call: the sound goes on, signaling is back, and the call ends as one', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await bob.talkTo('ann');
  await ann.calls(bob);
  await Promise.all([ann.hears(1000), bob.hears(440)]);
  const began = (await ann.passed('call.active')).at;
  await Promise.all([ann, bob].map(({ page }) => watchFlow(page)));

  await server.kill();
  await ann.page.waitForTimeout(2000);
  await Promise.all([ann.hears(1000), bob.hears(440)]);
  const up = Date.now();
  await server.run();
  const back = await ann.passed('call.active', (_, at) => at > up);
  await bob.passed('call.active', (_, at) => at > up);
  expect(back.at - up).toBeLessThan(5000);

  await Promise.all([ann.hears(1000), bob.hears(440)]);
  for (const person of [ann, bob]) {
    const flow = await flowOf(person.page);
    console.log(`${person.name}: ${flow.packets} packets in ${flow.seconds.toFixed(1)} s, longest gap ${flow.gap.toFixed(0)} ms; signaling back after ${back.at - up} ms`);
    expect(flow.gap).toBeLessThan(500);
    expect(flow.packets / flow.seconds).toBeGreaterThan(45); // of 50 a second
  }
  await bob.press('Mute'); // signaling really is back
  await expect(ann.page.getByText('bob is muted')).toBeVisible();
  await ann.press('Hang up');
  const lasted = (Date.now() - began) / 1000;
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
  for (const person of [ann, bob]) {
    const entry = person.page.getByRole('main').getByText(/^Call, \d+ s$/);
    await expect(entry).toHaveCount(1);
    const said = Number(/\d+/.exec((await entry.textContent())!)![0]);
    expect(Math.abs(said - lasted)).toBeLessThan(2);
  }
});
