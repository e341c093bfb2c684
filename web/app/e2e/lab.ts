// Networks that are not this machine's: hosts and routers as network namespaces,
// joined by cables (veth). Needs root, ip and nft.
//
// The addresses look public, so that the relay refuses what it refuses outside;
// none of them leaves the namespaces.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Place is where a program runs: `command` goes before its own, `address` is that of the network there. */
export interface Place {
  command: string[];
  address: string;
}

/** here is this machine, which has no way into a Lab. */
export const here: Place = { command: [], address: 'localhost' };

const run = (command: string, args: string[], input = ''): string => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { input });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${error ?? stderr}`);
  }
  return String(stdout);
};

/** Lab has a middle, which routes between all that is connected to it. */
export class Lab {
  readonly middle: Place;
  private readonly prefix = `parley${process.pid}`;
  private readonly names: string[] = [];
  private cables = 0;

  constructor() {
    const name = this.namespace('middle');
    this.ip(name, 'addr', 'add', '11.0.0.1/32', 'dev', 'lo');
    this.middle = { command: ['ip', 'netns', 'exec', name], address: '11.0.0.1' };
  }

  /** host is connected to the middle by one cable or several, of which the first is plugged in. */
  host(name: string, cables = 1): Host {
    const inside = this.namespace(name);
    const lines = Array.from({ length: cables }, () => this.join(inside, this.namespaceOf('middle')));
    const host = { command: ['ip', 'netns', 'exec', inside], address: lines[0]!.inside };
    const plug = (i: number, plugged: boolean) => {
      const { device, outside } = lines[i]!;
      this.ip(inside, 'link', 'set', device, plugged ? 'up' : 'down');
      if (plugged) {
        this.ip(inside, 'route', 'add', 'default', 'via', outside);
      }
    };
    lines.forEach((_, i) => plug(i, i === 0));
    return { ...host, plug, addresses: lines.map((line) => line.inside) };
  }

  /**
   * behindNAT is a host behind a router of its own, whose mapping and filtering
   * depend on the far end's address and port (RFC 4787 sections 4.1 and 5):
   * each flow gets a random port, and only its answers come in.
   */
  behindNAT(name: string): Place {
    const inside = this.namespace(name);
    const router = this.namespace(`${name}-nat`);
    const wan = this.join(router, this.namespaceOf('middle'));
    this.ip(router, 'route', 'add', 'default', 'via', wan.outside);
    const lan = `10.7.${this.cables}`;
    const [near, far] = this.cable(inside, router);
    this.ip(inside, 'addr', 'add', `${lan}.2/24`, 'dev', near);
    this.ip(inside, 'route', 'add', 'default', 'via', `${lan}.1`, 'onlink', 'dev', near);
    this.ip(router, 'addr', 'add', `${lan}.1/24`, 'dev', far);
    run('ip', ['netns', 'exec', router, 'nft', '-f', '-'], `
      table inet nat {
        chain out { type nat hook postrouting priority 100; oifname "${wan.device}" masquerade random,fully-random
        }
        chain through { type filter hook forward priority 0; policy drop
          ct state established,related accept
          iifname "${far}" accept
        }
        chain in { type filter hook input priority 0; policy drop
        }
      }`);
    return { command: ['ip', 'netns', 'exec', inside], address: `${lan}.2` };
  }

  /** close takes everything down; what runs in there must have ended. */
  close(): void {
    for (const name of this.names) {
      spawnSync('ip', ['netns', 'delete', name]);
    }
  }

  private namespaceOf(name: string): string {
    return `${this.prefix}-${name}`;
  }

  private namespace(name: string): string {
    const namespace = this.namespaceOf(name);
    run('ip', ['netns', 'add', namespace]);
    this.names.push(namespace);
    this.ip(namespace, 'link', 'set', 'lo', 'up');
    run('ip', ['netns', 'exec', namespace, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    return namespace;
  }

  /** join gives both ends of a new cable an address. */
  private join(inside: string, outside: string): { device: string; inside: string; outside: string } {
    const [near, far] = this.cable(inside, outside);
    const net = `11.0.${this.cables}`;
    this.ip(inside, 'addr', 'add', `${net}.2/24`, 'dev', near);
    this.ip(outside, 'addr', 'add', `${net}.1/24`, 'dev', far);
    return { device: near, inside: `${net}.2`, outside: `${net}.1` };
  }

  private cable(inside: string, outside: string): [string, string] {
    const [near, far] = [`near${++this.cables}`, `far${this.cables}`];
    run('ip', ['link', 'add', near, 'netns', inside, 'type', 'veth', 'peer', 'name', far, 'netns', outside]);
    this.ip(inside, 'link', 'set', near, 'up');
    this.ip(outside, 'link', 'set', far, 'up');
    return [near, far];
  }

  private ip(namespace: string, ...args: string[]): void {
    run('ip', ['-n', namespace, ...args]);
  }
}

export interface Host extends Place {
  addresses: string[];
  /** plug sets a cable up, with the default route through it, or down, which takes the route with it. */
  plug: (cable: number, plugged: boolean) => void;
}

/** program is a file that runs a program somewhere, for who wants one path. */
export function program(place: Place, path: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'parley-place-')), 'run');
  writeFileSync(file, `#!/bin/sh\nexec ${[...place.command, path].join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}
