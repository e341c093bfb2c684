// A call through the relay that is much longer than its credentials are good.

import { expect, test } from './fixtures';
import { flowOf, pathOf, watchFlow } from './flow';
import { tone } from './sound';

// Four minutes after they were asked for, permissions are renewed (RFC 8656
// section 9), which the relay must grant with a credential that has expired.
const seconds = 270;

test('relay credentials of 60 s, and a call of four and a half minutes without a gap', async ({ house }) => {
  test.setTimeout((seconds + 60) * 1000);
  const server = await house.serve(['ann', 'bob'], '--turn-credential-ttl', '60s');
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.hides();
  await bob.hides();
  await ann.calls(bob);
  await Promise.all([ann.hears(1000), bob.hears(440)]);
  await Promise.all([ann, bob].map(({ page }) => watchFlow(page)));
  await ann.page.waitForTimeout(seconds * 1000);
  await Promise.all([ann.hears(1000), bob.hears(440)]);
  for (const person of [ann, bob]) {
    const { gap, packets, seconds: lasted } = await flowOf(person.page);
    const renewed = person.frames.filter(({ frame }) => frame.type === 'ice').length;
    console.log(`${person.name}: ${packets} packets in ${lasted.toFixed(0)} s, longest gap ${gap.toFixed(0)} ms, ${renewed} new credentials`);
    expect(gap).toBeLessThan(500);
    expect(packets / lasted).toBeGreaterThan(45); // of 50 a second
    expect(await pathOf(person.page)).toMatchObject({ local: 'relay', remote: 'relay' });
    expect(renewed).toBeGreaterThan(3);
  }
  await ann.press('Hang up');
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
});
