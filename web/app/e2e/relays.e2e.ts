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
      await ann.hides();
      await bob.hides();
      await ann.calls(bob);
      await ann.hears(1000);
      await bob.hears(440);
      ann.showsOnlyRelays();
      bob.showsOnlyRelays();
      await bob.press('Hang up');
      await expect(ann.page.getByText(/^Call ended/).first()).toBeVisible();
    } finally {
      await relay.stop();
    }
  });
}
