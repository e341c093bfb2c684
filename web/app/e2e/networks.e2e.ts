// Calls between networks, which are namespaces here.

import { expect, test as base } from './fixtures';
import { flowOf, pathOf, watchFlow } from './flow';
import { Lab } from './lab';
import { tone } from './sound';

const test = base.extend<{ lab: Lab }>({
  lab: async ({}, use) => {
    const lab = new Lab();
    try {
      await use(lab);
    } finally {
      lab.close();
    }
  },
});

test('behind two routers that no packet passes unasked, a call goes through the relay and is heard', async ({ lab, house }) => {
  const server = await house.serveAt(lab.middle, ['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440), { place: lab.behindNAT('ann') });
  const bob = await house.arrive('bob', server, tone(1000), { place: lab.behindNAT('bob') });
  await ann.calls(bob);
  await Promise.all([ann.hears(1000), bob.hears(440)]);
  for (const person of [ann, bob]) {
    const { local, remote } = await pathOf(person.page);
    console.log(`${person.name}: ${local} to ${remote}`);
    expect([local, remote], `${person.name}'s path`).toContain('relay');
    // The router was found, and it is the router that is in the way.
    await person.passed('call.candidate', (frame) => String(frame.candidate).includes('typ srflx'));
  }
  await ann.press('Hang up');
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
});

test('the caller comes into another network: the sound is back within 5 s', async ({ lab, house }) => {
  const server = await house.serveAt(lab.middle, ['ann', 'bob']);
  const moving = lab.host('ann', 2);
  const ann = await house.arrive('ann', server, tone(440), { place: moving });
  const bob = await house.arrive('bob', server, tone(1000), { place: lab.host('bob') });
  await ann.calls(bob);
  await Promise.all([ann.hears(1000), bob.hears(440)]);
  expect(await pathOf(ann.page)).toMatchObject({ address: moving.addresses[0] }); // direct: nothing is in the way
  await Promise.all([ann, bob].map(({ page }) => watchFlow(page)));

  const moved = Date.now();
  moving.plug(0, false);
  moving.plug(1, true);
  await expect.poll(async () => (await pathOf(ann.page)).address, { timeout: 20_000, intervals: [200] }).toBe(moving.addresses[1]);
  await Promise.all([ann.hears(1000), bob.hears(440)]);
  for (const person of [ann, bob]) {
    const { gap, gapAt } = await flowOf(person.page);
    console.log(`${person.name}: nothing for ${gap.toFixed(0)} ms, from ${(gapAt - moved).toFixed(0)} ms on`);
    expect(gap).toBeGreaterThan(100); // it did move
    expect(gapAt + gap - moved, `${person.name} hears again`).toBeLessThan(5000);
  }
  await ann.press('Hang up');
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
});
