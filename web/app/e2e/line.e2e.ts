// What is on the line of a call beside two voices, and what happens when it breaks.

import { between } from './between';
import { expect, test, type House } from './fixtures';
import { LossyLine } from './loss';
import type { Person } from './person';
import { tone } from './sound';

/** writePrivately is a text call of two who have no microphone, and whose server makes of what the first one says what it wants. */
async function writePrivately(house: House, change?: (frame: string) => string): Promise<[Person, Person]> {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.open('ann', server, null, { denied: true });
  if (change) {
    await ann.page.routeWebSocket(/\/ws$/, (socket) => {
      const onwards = socket.connectToServer();
      socket.onMessage((frame) => onwards.send(change(String(frame))));
      onwards.onMessage((frame) => socket.send(frame));
    });
    await ann.page.reload();
  }
  await ann.signIn();
  const bob = await house.arrive('bob', server, null, { denied: true });
  await ann.talkTo('bob');
  await bob.talkTo('ann');
  await ann.press('Write privately');
  await expect(bob.page.getByText('wants to write privately')).toBeVisible();
  await bob.press('Answer');
  return [ann, bob];
}

test('in one call: the same words, video and a screen that come and go, private lines, another network, mute kept', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.calls(bob);
  await ann.hears(1000);
  const words = await ann.words();
  expect(words.split(' ')).toHaveLength(4);
  expect(await bob.words()).toBe(words);

  // Both at once: offers may cross.
  await Promise.all([ann.press('Camera'), bob.press('Camera')]);
  await Promise.all([ann.sees('bob'), bob.sees('ann')]);
  await ann.press('Camera');
  await expect(bob.page.getByLabel('Video of ann')).toBeHidden();
  await ann.sees('bob');
  await bob.press('Camera');
  await expect(ann.page.getByLabel('Video of bob')).toBeHidden();
  await bob.press('Share the screen');
  await ann.sees('bob');
  await expect(bob.page.getByLabel('Your screen, as ann sees it')).toBeVisible();
  await bob.press('Share the screen');
  await expect(ann.page.getByLabel('Video of bob')).toBeHidden();

  await ann.press('Write privately');
  const field = ann.page.getByRole('textbox', { name: 'Private line' });
  await expect(field).toHaveAttribute('placeholder', /Write to/);
  await ann.says('between us');
  await expect(bob.line('between us')).toBeVisible();
  await field.pressSequentially('as I ty');
  await expect(bob.page.getByText('as I ty', { exact: true })).toBeVisible();
  await bob.says('I see');
  await expect(ann.line('I see')).toBeVisible();
  expect([...ann.frames, ...bob.frames].filter(({ frame }) => JSON.stringify(frame).includes('between us'))).toEqual([]);

  await bob.press('Mute');
  await expect(ann.page.getByText('bob is muted')).toBeVisible();
  await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await ann.passed('call.description', (frame) => frame.kind === 'answer' && ann.offers().at(-1) === frame.negotiation);
  await ann.hearsNothing();
  await bob.press('Mute');
  await ann.hears(1000);
  expect(await ann.words()).toBe(words);
  await ann.press('Hang up');
  await expect(bob.page.getByText(/^Call ended/).first()).toBeVisible();
});

test('a text call needs no microphone; what is not acknowledged comes as a message, once', async ({ house }) => {
  const [ann, bob] = await writePrivately(house);
  expect(await bob.words()).toBe(await ann.words());
  await ann.says('only for you');
  await expect(bob.line('only for you')).toBeVisible();
  await bob.says('only for me');
  await expect(ann.line('only for me')).toBeVisible();

  // Bob's page stands still: the line arrives at its browser and is not acknowledged by it.
  await bob.page.evaluate(() => {
    const { send } = RTCDataChannel.prototype;
    RTCDataChannel.prototype.send = function (data: unknown) {
      if (!String(data).includes('"ack"')) {
        send.call(this, data as string);
      }
    };
  });
  await ann.says('did this arrive?');
  await expect(bob.line('did this arrive?')).toBeVisible();
  await ann.press('Hang up');
  await expect(ann.page.getByText('sent as a message', { exact: false })).toBeVisible();
  await expect(bob.page.getByRole('log', { name: 'Messages with ann' }).getByText('did this arrive?')).toHaveCount(1);
  await expect(bob.line('did this arrive?')).toHaveCount(0);
  await expect(bob.line('only for you')).toHaveCount(1);
  await bob.press('Dismiss');
  await expect(bob.page.getByText('only for you')).toHaveCount(0);
});

test('a line that was not acknowledged outlives its tab: it comes as a message, once', async ({ house }) => {
  const [ann, bob] = await writePrivately(house);
  await ann.says('first');
  await expect(bob.line('first')).toBeVisible();
  await bob.page.evaluate(() => {
    RTCDataChannel.prototype.send = () => {}; // nothing is acknowledged any more
  });
  await ann.says('before the crash');
  await expect(bob.line('before the crash')).toBeVisible();
  await ann.dies();
  await ann.back();
  await expect(bob.page.getByRole('log', { name: 'Messages with ann' }).getByText('before the crash')).toHaveCount(1);
  await expect(bob.line('before the crash')).toHaveCount(0);
  await expect(bob.page.getByRole('log', { name: 'Messages with ann' }).getByText('first', { exact: true })).toHaveCount(0);
});

test('somebody in between: the two hear each other, and their words differ', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const eve = await house.open('eve', server, tone(300));
  const ann = await house.open('ann', server, tone(440));
  const bob = await house.open('bob', server, tone(1000));
  await between(eve.page, ann.page, bob.page);
  for (const person of [ann, bob]) {
    await person.page.reload();
    await person.signIn();
  }
  await ann.calls(bob);
  await Promise.all([ann.hears(1000), bob.hears(440)]);
  const [anns, bobs] = [await ann.words(), await bob.words()];
  expect(anns.split(' ')).toHaveLength(4);
  expect(bobs.split(' ')).toHaveLength(4);
  expect(anns).not.toBe(bobs);
  await bob.press('Call options');
  await expect(bob.page.getByText('Other words: hang up, somebody sits in between.')).toBeVisible();
});

test('another end in a call that has begun is refused, and an alarm', async ({ house }) => {
  let lies = false;
  const another = `fingerprint:sha-256 ${'00:'.repeat(31)}00`;
  const [ann, bob] = await writePrivately(house, (frame) => (lies ? frame.replace(/fingerprint:sha-256 [0-9A-F:]+/g, another) : frame));
  expect(await bob.words()).toBe(await ann.words());
  const alarm = bob.page.getByRole('alert').filter({ hasText: 'Hang up: somebody may sit between you and ann.' });
  await expect(alarm).toBeHidden();
  lies = true;
  await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await expect(alarm).toBeVisible();
  await ann.says('with the same end'); // the connection stands as it was
  await expect(bob.line('with the same end')).toBeVisible();
});

test('a line that loses packets is said, and on whose side; so is a microphone that vanishes', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.open('ann', server, tone(440));
  const bob = await house.open('bob', server, tone(1000));
  const line = new LossyLine();
  try {
    await line.between(ann.page, bob.page);
    for (const person of [ann, bob]) {
      await person.page.reload();
      await person.signIn();
    }
    await ann.calls(bob);
    await Promise.all([ann.hears(1000), bob.hears(440)]);
    line.lost = [0.6, 0]; // more than resends and redundancy repair
    await expect(ann.page.getByText('Part of what bob says is lost on its way to you.')).toBeVisible();
    await expect(bob.page.getByText('Part of what you say is lost on its way to ann.')).toBeVisible();
    line.lost = [0, 0];
    await expect(ann.page.getByText('is lost on its way')).toBeHidden();
    await expect(bob.page.getByText('is lost on its way')).toBeHidden();

    await ann.unplug();
    await expect(ann.page.getByText(/^Your microphone was disconnected. You are heard through .+ now.$/)).toBeVisible();
    await bob.hears(440);
  } finally {
    line.close();
  }
});
