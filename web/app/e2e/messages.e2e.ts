import { expect, test } from './fixtures';
import { decode, tone, wav } from './sound';

test('a voice message of 12 s for somebody who is offline', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  let bob = await house.arrive('bob', server, tone(1000));
  await bob.leaves();
  // Tone and silence by turns, so that a hole that collapses shows.
  const speech = wav('speech', Array.from({ length: 12 }, (_, i) => ({ hz: i % 2 === 0 ? 440 : 0, seconds: 3 })));
  const ann = await house.arrive('ann', server, speech);
  await expect(ann.entry('bob')).toHaveAccessibleName(/offline/);
  await ann.talkTo('bob');
  await ann.press('Call');
  await expect(ann.page.getByText(/^bob is offline/).first()).toBeVisible();
  const began = await ann.passed('call.recording', (frame) => frame.phase === 'recording');
  await ann.page.waitForTimeout(began.at + 12_000 - Date.now());
  await ann.press('Hang up');
  const hungUp = await ann.passed('call.hangup');
  const ended = await ann.passed('call.ended');
  expect(ended.frame.reason).toBe('message_left');
  await expect(ann.page.getByLabel('Sent', { exact: true })).toBeVisible();

  await server.kill();
  await server.run();

  bob = await bob.back();
  await expect(bob.entry('ann')).toHaveAccessibleName(/1 unread/);
  await bob.talkTo('ann');
  await expect(bob.page.getByRole('button', { name: 'Play', exact: true })).toHaveCount(1);
  await expect(ann.page.getByLabel(/^(Delivered|Read)$/)).toBeVisible();

  // The file, by another's decoder.
  const sound = `${server.url}/api/messages/${String(ended.frame.mid)}/audio`;
  const whole = await bob.page.request.get(sound);
  const file = await whole.body();
  const heard = decode(file);
  const said = (hungUp.at - began.at) / 1000;
  expect(Math.abs(heard.seconds - said)).toBeLessThan(0.3);
  expect(heard.pitches.filter((hz) => Math.abs(hz - 440) < 15).length).toBeGreaterThanOrEqual(3);
  expect(heard.pitches.filter((hz) => hz === 0).length).toBeGreaterThanOrEqual(3);
  const part = await bob.page.request.get(sound, { headers: { Range: 'bytes=100-199' } });
  expect(part.status()).toBe(206);
  expect(part.headers()['content-range']).toBe(`bytes 100-199/${file.length}`);
  expect(await part.body()).toEqual(file.subarray(100, 200));

  // And in the browser: it plays, seeks, and tells the sender.
  await bob.press('Play');
  await bob.passed('played');
  await expect(ann.page.getByLabel('Played', { exact: true })).toBeVisible();
  const seek = bob.page.getByRole('slider').first();
  await seek.focus();
  await bob.page.keyboard.press('End');
  await expect(bob.page.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
});

test('a text to somebody offline survives kill -9 of the server', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  let bob = await house.arrive('bob', server, null);
  await bob.leaves();
  const ann = await house.arrive('ann', server, null);
  await ann.talkTo('bob');
  await ann.write('before the fall');
  await ann.passed('accepted');
  await server.kill();
  await expect(ann.page.getByText(/Connection lost/)).toBeVisible();
  await ann.write('while it lies');
  await expect(ann.page.getByLabel('Waiting', { exact: true })).toBeVisible();
  await server.run();
  await ann.triesNow();
  await expect(ann.page.getByLabel('Waiting', { exact: true })).toBeHidden();

  bob = await bob.back();
  await expect(bob.entry('ann')).toHaveAccessibleName(/2 unread/);
  await bob.talkTo('ann');
  for (const person of [ann, bob]) {
    for (const text of ['before the fall', 'while it lies']) {
      await expect(person.page.getByRole('main').getByText(text, { exact: true })).toHaveCount(1);
    }
  }
  await expect(ann.page.getByLabel('Read', { exact: true }).last()).toBeVisible();
});

test('a recording that kill -9 cuts off is delivered', async ({ house }) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  await ann.talkTo('bob');
  await ann.press('Leave a message');
  await ann.press('Skip to the tone');
  await ann.passed('call.recording', (frame) => Number(frame.elapsed_ms) > 5000);
  await server.kill();
  await server.run();
  const bob = await house.arrive('bob', server, tone(1000));
  await expect(bob.entry('ann')).toHaveAccessibleName(/1 unread/);
  await bob.talkTo('ann');
  await bob.press('Play');
  await bob.passed('played');
});

test('two devices of one account show the same', async ({ house }) => {
  const server = await house.serve(['ann', 'bob', 'eve']);
  const laptop = await house.arrive('ann', server, null);
  const phone = await house.arrive('ann', server, null, { viewport: { width: 390, height: 844 } });
  const bob = await house.arrive('bob', server, null);
  await bob.talkTo('ann');
  await bob.write('one');
  await bob.write('two');
  await expect(laptop.entry('bob')).toHaveAccessibleName(/2 unread/);
  await expect(phone.entry('bob')).toHaveAccessibleName(/2 unread/);
  await phone.talkTo('bob');
  await expect(laptop.entry('bob')).not.toHaveAccessibleName(/unread/);
  await phone.write('three');
  await laptop.talkTo('bob');
  for (const person of [laptop, phone, bob]) {
    await expect(person.page.getByRole('main').getByText(/^(one|two|three)$/)).toHaveText(['one', 'two', 'three']);
  }
  // Another conversation at the same time.
  await laptop.talkTo('eve');
  await laptop.write('hello eve');
  await phone.press('Back');
  await expect(phone.entry('eve')).toContainText('hello eve');
});
