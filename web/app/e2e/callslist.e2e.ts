import { expect, test } from './fixtures';
import { tone } from './sound';

test('calls are listed in both directions, also on a new device and without the server', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.calls(bob);
  await bob.hears(440);
  await ann.page.waitForTimeout(1_000);
  await ann.press('Hang up');
  for (let n = 0; n < 2; n++) {
    await expect(ann.page.getByRole('button', { name: 'Call', exact: true })).toBeVisible();
    await ann.press('Call');
    await expect(bob.page.getByRole('button', { name: 'Answer' })).toBeVisible();
    await ann.press('Hang up');
    await expect(bob.page.getByRole('button', { name: 'Answer' })).toBeHidden();
  }
  await ann.passed('event', (frame) => (frame.message as { seq?: number })?.seq === 3);

  const phone = await house.arrive('bob', server, tone(1000)); // it has the newest of each conversation
  for (const device of [bob, phone]) {
    await device.page.getByRole('link', { name: 'Calls' }).click();
    const list = device.page.getByRole('region', { name: 'Calls' });
    await expect(list.getByRole('listitem')).toHaveText([/2 missed calls/, /Incoming, \d+ s/]);
    await device.press('Missed');
    await expect(list.getByRole('listitem')).toHaveCount(1);
    await device.press('All');
  }
  await ann.page.getByRole('link', { name: 'Calls' }).click();
  const made = ann.page.getByRole('region', { name: 'Calls' });
  await expect(made.getByRole('listitem')).toHaveText([/Call cancelled \(2\)/, /Outgoing, \d+ s/]);

  await bob.page.getByRole('button', { name: 'Call ann' }).first().click();
  await ann.press('Answer');
  await ann.hears(1000);
  await bob.press('Hang up');
  await expect(made.getByRole('listitem')).toHaveCount(3);

  await phone.keepsShell();
  await server.stop();
  const again = await phone.back();
  await again.page.getByRole('link', { name: 'Calls' }).click();
  await expect(again.page.getByRole('region', { name: 'Calls' }).getByRole('listitem')).toHaveCount(3);
});
