// Makes the pictures of the README from the running program.

import { resolve } from 'node:path';
import { test, expect } from './fixtures';
import { tone, wav } from './sound';

const pictures = resolve(import.meta.dirname, '../../pictures');
const phone = { width: 390, height: 844 };
const desk = { width: 1280, height: 800 };

test('pictures', async ({ house }) => {
  const server = await house.serve(['Ada', 'Grace', 'Linus', 'Margaret']);
  // Words and pauses, so that the waveform looks like somebody who speaks.
  const loudness = [0.2, 0.7, 0.4, 0.9, 0.5, 0, 0, 0.3, 1, 0.6, 0.8, 0.2, 0, 0.5, 0.9, 0.3, 0.6, 0.1, 0, 0];
  const speech = wav('speech', loudness.map((level, i) => ({ hz: 180 + 30 * (i % 4), seconds: 0.14 + 0.03 * (i % 3), level: level ** 2 })));
  const grace = await house.arrive('Grace', server, speech);
  const ada = await house.arrive('Ada', server, tone(600), { viewport: desk });
  const dark = await house.arrive('Ada', server, tone(800), { viewport: phone, colorScheme: 'dark' });
  const linus = await house.arrive('Linus', server, null);

  await linus.shows('Do not disturb', { text: 'in the release until 15:00' });
  await linus.talkTo('Ada');
  await linus.write('The release notes are in the usual place.');
  await linus.write('Can you have a look before noon?');

  await grace.talkTo('Ada');
  await grace.write('Good morning! Did the build pass?');
  await ada.talkTo('Grace');
  await ada.write('It did, on all three machines.');
  await ada.write('I will tell the others.');
  await grace.press('Record a voice note');
  await grace.page.waitForTimeout(6_000);
  await grace.press('Send voice note');
  await expect(ada.page.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
  const last = 'That says it better than I can write it.';
  await grace.write(last);
  await expect(ada.message(last)).toBeVisible();
  await ada.page.screenshot({ path: `${pictures}/conversation.png` });

  await dark.talkTo('Grace');
  await dark.page.screenshot({ path: `${pictures}/phone-dark.png` });
  await dark.press('Back');
  await dark.page.screenshot({ path: `${pictures}/phone-list-dark.png` });
  await dark.close();

  await grace.press('Call');
  await ada.page.getByRole('button', { name: 'Answer' }).waitFor();
  await ada.page.screenshot({ path: `${pictures}/ringing.png` });
  await ada.press('Answer');
  await ada.passed('call.active');
  await ada.page.waitForTimeout(2500);
  await ada.page.screenshot({ path: `${pictures}/call.png` });
  await ada.press('Hang up');

  await ada.talkTo('Margaret');
  await ada.press('Call');
  await ada.press('Skip to the tone');
  await ada.passed('call.recording', (frame) => Number(frame.elapsed_ms) > 4000);
  await ada.page.screenshot({ path: `${pictures}/message.png` });
  await ada.page.keyboard.press('Escape');
});
