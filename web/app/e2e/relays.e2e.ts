import { expect, test } from './fixtures';
import { Relay } from './relay';
import { tone } from './sound';

// A call through a relay elsewhere, over the one transport that the server names.
for (const transport of ['udp', 'tcp', 'tls'] as const) {
  test(`through a relay alone by ${transport.toUpperCase()}, both hear each other`, async ({ house }) => {
    const relay = await Relay.start();
    try {
      const server = await house.serve(['ann', 'bob'], ...relay.flags(transport));
      const flags = transport === 'tls' ? ['--ignore-certificate-errors'] : [];
      const ann = await house.arrive('ann', server, tone(440), { flags });
      const bob = await house.arrive('bob', server, tone(1000), { flags });
      for (const person of [ann, bob]) {
        await person.press('Settings');
        await person.page.getByRole('checkbox', { name: /Always use the relay/ }).check();
        await person.page.keyboard.press('Escape');
      }
      await ann.talkTo('bob');
      await ann.press('Call');
      await bob.press('Answer');
      await ann.hears(1000);
      await bob.hears(440);
      const candidates = [...ann.frames, ...bob.frames]
        .filter(({ sent, frame }) => sent && frame.type === 'call.candidate' && frame.candidate !== '')
        .map(({ frame }) => String(frame.candidate));
      expect(candidates.length).toBeGreaterThan(0);
      for (const candidate of candidates) {
        expect(candidate).toContain('typ relay');
      }
      await bob.press('Hang up');
      await expect(ann.page.getByText(/^Call ended/).first()).toBeVisible();
    } finally {
      await relay.stop();
    }
  });
}
