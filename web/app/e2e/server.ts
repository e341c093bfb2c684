// The real server as a process of its own, in a directory of its own.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Place } from './lab';

export const binary = resolve(import.meta.dirname, '../../../bin/parley');
export const password = 'correct horse battery';

export class Server {
  readonly data = mkdtempSync(join(tmpdir(), 'parley-e2e-'));
  readonly url: string;
  /** what the server has printed on standard output */
  printed = '';
  private log = '';
  private process: ChildProcess | null = null;

  private constructor(
    private readonly ports: [number, number, number],
    private readonly flags: string[],
    private readonly place: Place,
  ) {
    this.url = `http://${place.address}:${ports[0]}`;
  }

  static async start(place: Place, ...flags: string[]): Promise<Server> {
    if (!existsSync(binary)) {
      throw new Error(`${binary} is not there: make build`);
    }
    const server = new Server([await freePort(), await freePort(), await freePort()], flags, place);
    await server.run();
    return server;
  }

  /** run starts the process and waits until it is ready. */
  async run(): Promise<void> {
    const [web, turn, media] = this.ports;
    const { command, address } = this.place;
    const [first, ...rest] = [
      ...[...command, binary, 'serve', '--data', this.data, '--public-url', this.url],
      ...['--listen', `${address}:${web}`, '--turn-listen', `${address}:${turn}`, '--media-listen', `${address}:${media}`],
      ...this.flags,
    ];
    const child = spawn(first!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    child.stdout!.on('data', (data) => (this.printed += data));
    child.stderr!.on('data', (data) => (this.log += data));
    for (let tries = 0; tries < 200; tries++) {
      if (child.exitCode !== null) {
        break;
      }
      try {
        if ((await this.fetch('/healthz')).status === 200) {
          return;
        }
      } catch {
        // not yet
      }
      await new Promise((then) => setTimeout(then, 50));
    }
    throw new Error(`the server does not start:\n${this.log}`);
  }

  /** kill ends the process as a power cut would end it. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.end('SIGTERM');
    await this.run();
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    rmSync(this.data, { recursive: true, force: true });
    const bad = this.log.split('\n').filter((line) => line.includes('level=ERROR') || line.includes('DATA RACE') || line.includes('panic'));
    if (bad.length > 0) {
      throw new Error(`the server's log has errors:\n${bad.join('\n')}`);
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    this.process = null;
    if (child === null || child.exitCode !== null) {
      return;
    }
    const gone = new Promise((then) => child.once('exit', then));
    child.kill(signal);
    await gone;
  }

  /** account makes one on the command line, beside the running server. */
  account(name: string): void {
    const file = join(this.data, 'password');
    writeFileSync(file, `${password}\n`);
    const { status, stderr } = spawnSync(binary, ['account', 'add', name, '--password-file', file, '--data', this.data]);
    if (status !== 0) {
      throw new Error(`account add ${name}: ${stderr}`);
    }
  }

  /** befriend makes an account that an existing one invites, so that they are contacts. */
  async befriend(inviter: string, name: string): Promise<void> {
    const cookie = await this.signIn(inviter);
    const { url } = (await this.post('/api/invites', {}, cookie)) as { url: string };
    await this.post('/api/accounts', { invite: url.split('/').pop(), name, password });
  }

  private async signIn(name: string): Promise<string> {
    const { status, text, cookie } = await this.fetch('/api/session', { name, password });
    if (status >= 300) {
      throw new Error(`sign in as ${name}: ${text}`);
    }
    return cookie.split(';')[0]!;
  }

  private async post(path: string, body: unknown, cookie = ''): Promise<unknown> {
    const { status, text } = await this.fetch(path, body, cookie);
    if (status >= 300) {
      throw new Error(`${path}: ${text}`);
    }
    return JSON.parse(text);
  }

  /** fetch gets, or posts a body, from where the server is. */
  private async fetch(path: string, body?: unknown, cookie = ''): Promise<Answer> {
    const url = this.url + path;
    const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json', cookie }, body: JSON.stringify(body) };
    if (this.place.command.length === 0) {
      return answerOf(url, init);
    }
    const script = `(${answerOf})(${JSON.stringify(url)}, ${JSON.stringify(init)}).then((answer) => console.log(JSON.stringify(answer)))`;
    const [first, ...rest] = [...this.place.command, process.execPath, '-e', script];
    const { status, stdout, stderr } = spawnSync(first!, rest);
    if (status !== 0) {
      throw new Error(`${path}: ${stderr}`);
    }
    return JSON.parse(String(stdout)) as Answer;
  }
}

interface Answer {
  status: number;
  text: string;
  cookie: string;
}

async function answerOf(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text(), cookie: response.headers.get('set-cookie') ?? '' };
}

export async function freePort(): Promise<number> {
  return new Promise((then, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => then(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
