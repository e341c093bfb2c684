// A relay alone, as a process of its own, with the secret that a server gets too.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary, freePort } from './server';

export class Relay {
  private log = '';

  private constructor(
    private readonly process: ChildProcess,
    private readonly data: string,
    private readonly port: number,
    private readonly tlsPort: number,
  ) {}

  static async start(): Promise<Relay> {
    const data = mkdtempSync(join(tmpdir(), 'parley-relay-'));
    const [port, tlsPort] = [await freePort(), await freePort()];
    writeFileSync(join(data, 'secret'), 'e2e between-server-and-relay\n');
    certify(data);
    const child = spawn(
      binary,
      [
        'turn',
        ...['--listen', `127.0.0.1:${port}`, '--secret-file', join(data, 'secret')],
        ...['--tls-listen', `127.0.0.1:${tlsPort}`, '--tls-cert', join(data, 'cert.pem'), '--tls-key', join(data, 'key.pem')],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const relay = new Relay(child, data, port, tlsPort);
    await new Promise<void>((then, fail) => {
      child.stderr!.on('data', (data) => {
        relay.log += data;
        if (relay.log.includes('relay serves')) {
          then();
        }
      });
      child.once('exit', () => fail(new Error(`the relay does not start:\n${relay.log}`)));
    });
    return relay;
  }

  /** flags make a server hand out this relay, over one transport, and none of its own. */
  flags(transport: 'udp' | 'tcp' | 'tls'): string[] {
    const url = transport === 'tls' ? `turns:localhost:${this.tlsPort}?transport=tcp` : `turn:127.0.0.1:${this.port}?transport=${transport}`;
    return ['--no-turn-embedded', '--turn-url', url, '--turn-secret-file', join(this.data, 'secret')];
  }

  async stop(): Promise<void> {
    const gone = new Promise((then) => this.process.once('exit', then));
    this.process.kill('SIGTERM');
    await gone;
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** certify makes a certificate for localhost that nobody but the tests' browsers accepts. */
function certify(dir: string): void {
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
  ]);
  if (made.status !== 0) {
    throw new Error(`openssl: ${made.stderr}`);
  }
}
