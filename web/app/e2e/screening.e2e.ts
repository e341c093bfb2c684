import { expect, test } from './fixtures';
import type { Person } from './person';
import { tone } from './sound';

/** leaves lets somebody speak to bob's mailbox, who has declined. */
async function leaves(ann: Person, bob: Person): Promise<void> {
  await ann.talkTo('bob');
  await ann.press('Call');
  await bob.press('Decline');
  await ann.passed('call.recording', (frame) => frame.phase === 'greeting');
  await expect(ann.page.getByText('bob may listen while you speak, and pick up.')).toBeVisible();
  await ann.press('Skip to the tone');
}

const row = (person: Person) => person.page.getByRole('region', { name: 'Message of ann, being left' });
const listened = 'section[aria-label="Message of ann, being left"] audio';

test('a message is seen as it grows, heard and picked up; what was said is sent after the call', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  const phone = await house.arrive('bob', server, null, { viewport: { width: 390, height: 844 } });
  await leaves(ann, bob);
  for (const device of [bob, phone]) {
    await expect(row(device).getByText('is leaving you a message')).toBeVisible();
    await expect(row(device).getByRole('timer')).toHaveText(/^0:(0[2-9]|[1-5])/);
  }
  await phone.press('Listen');
  await phone.hears(440, listened);
  await ann.press('Pause'); // and what is not recorded is not heard
  await expect.poll(() => phone.frames.filter(({ frame }) => frame.type === 'call.screen').at(-1)?.frame.phase).toBe('paused');
  await expect(row(phone).getByText('has paused a message to you')).toBeVisible();
  await ann.press('Go on');
  await phone.hears(440, listened);

  await bob.press('Pick up');
  await expect(row(phone)).toHaveCount(0);
  await ann.hears(1000);
  await bob.hears(440);
  await expect(ann.page.getByText('What you said before bob picked up is kept, and was not sent.')).toBeVisible();
  await bob.press('Hang up');
  await expect(ann.page.getByText(/^Call ended/).first()).toBeVisible();

  await bob.talkTo('ann');
  await expect(bob.page.getByRole('main').getByText(/^Call, /)).toHaveCount(1);
  await expect(bob.page.getByRole('button', { name: 'Play', exact: true })).toHaveCount(0);
  await expect(ann.page.getByText('Not sent. You said this before bob picked up.')).toBeVisible();
  await ann.press('Send message');
  await expect(ann.page.getByText('Not sent. You said this before bob picked up.')).toHaveCount(0);
  await expect(bob.page.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
});

test('what was said before the call is thrown away', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await leaves(ann, bob);
  await ann.passed('call.recording', (frame) => Number(frame.elapsed_ms) > 1500);
  await bob.press('Pick up');
  await bob.hears(440);
  await ann.press('Hang up');
  await ann.press('Discard');
  await ann.press('Undo');
  await expect(ann.page.getByText('Not sent. You said this before bob picked up.')).toBeVisible();
  await ann.press('Discard');
  await expect(ann.page.getByText('Thrown away.')).toHaveCount(0);
  await expect(ann.page.getByRole('button', { name: 'Play', exact: true })).toHaveCount(0);
  await expect(ann.page.getByRole('main').getByText(/^Call, /)).toHaveCount(1);
});

test('who does not want to see messages while they are left does not', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await bob.press('Settings');
  await bob.page.getByRole('checkbox', { name: /Show me messages while they are left/ }).uncheck();
  await bob.page.getByLabel('Keep messages of at least').selectOption('2 seconds');
  await expect.poll(() => bob.frames.filter(({ frame }) => frame.type === 'self').at(-1)?.frame.taking).toEqual({ screen: false, silence_ms: 10_000, shortest_ms: 2000 });
  await bob.page.keyboard.press('Escape');
  await ann.talkTo('bob');
  await ann.press('Call');
  await bob.press('Decline');
  await ann.passed('call.recording', (frame) => frame.phase === 'greeting');
  await expect(ann.page.getByText(/may listen while you speak/)).toHaveCount(0);
  await ann.press('Skip to the tone');
  await ann.passed('call.recording', (frame) => Number(frame.elapsed_ms) > 1000);
  await ann.press('Hang up');
  await ann.passed('call.ended', (frame) => frame.reason === 'too_short');
  expect(bob.frames.some(({ frame }) => frame.type === 'call.screen')).toBe(false);
});
