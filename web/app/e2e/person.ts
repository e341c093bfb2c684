// A person at a browser with a microphone of their own.

import { expect, type Browser, type BrowserContext, type JSHandle, type Page } from '@playwright/test';
import { own, type Browsers } from './browsers';
import { keepConnections } from './flow';
import { program, type Place } from './lab';
import { password, type Server } from './server';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A frame on the WebSocket, and when it passed (Unix ms). */
export interface Passed {
  at: number;
  sent: boolean;
  frame: { type: string; [field: string]: unknown };
}

export class Person {
  readonly frames: Passed[] = [];

  private constructor(
    readonly name: string,
    readonly page: Page,
    private readonly context: BrowserContext,
    private readonly browser: Browser,
    private readonly browsers: Browsers,
  ) {
    page.on('websocket', (socket) => {
      const note = (sent: boolean) => (data: { payload: string | Buffer }) => {
        this.frames.push({ at: Date.now(), sent, frame: JSON.parse(String(data.payload)) as Passed['frame'] });
      };
      socket.on('framesent', note(true));
      socket.on('framereceived', note(false));
    });
  }

  /** open has a browser at the server's page. A microphone is a WAV file, or null for none at all. */
  static async open(
    name: string,
    server: Server,
    microphone: string | null,
    options: { viewport?: { width: number; height: number }; colorScheme?: 'light' | 'dark'; denied?: boolean; state?: string; flags?: string[]; place?: Place } = {},
    browsers = own,
  ): Promise<Person> {
    const browser = await browsers.take({
      executablePath: options.place ? program(options.place, executablePath) : executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--autoplay-policy=no-user-gesture-required',
        '--allow-loopback-in-peer-connection',
        ...(options.place ? [`--unsafely-treat-insecure-origin-as-secure=${server.url}`] : []),
        ...(options.flags ?? []),
        ...(microphone === null ? [] : ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${microphone}`]),
        ...(options.denied ? ['--deny-permission-prompts'] : ['--use-fake-ui-for-media-stream']),
      ],
    });
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: options.viewport ?? { width: 1280, height: 800 },
      colorScheme: options.colorScheme ?? 'light',
    });
    await context.addInitScript(keepConnections);
    // A steady tone is what noise suppression is made to remove.
    await context.addInitScript(() => {
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = ({ video = false, ...rest } = {}) =>
        open({ video, ...(rest.audio && { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } }) });
    });
    const page = await context.newPage();
    const person = new Person(name, page, context, browser, browsers);
    await page.goto('/');
    return person;
  }

  /** arrive opens a browser and signs in. */
  static async arrive(...[name, server, microphone, options]: Parameters<typeof Person.open>): Promise<Person> {
    const person = await Person.open(name, server, microphone, options);
    await person.signIn();
    return person;
  }

  async signIn(secret = password): Promise<void> {
    await this.page.getByLabel('Name', { exact: true }).fill(this.name);
    await this.page.getByLabel('Password', { exact: true }).fill(secret);
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    if (secret === password) {
      await expect(this.page.getByRole('button', { name: 'Settings' })).toBeVisible();
      await this.passed('welcome'); // from here on a call rings here
    }
  }

  /** leaves closes the page; the browser and what it has stored stay. */
  async leaves(): Promise<void> {
    await this.page.close();
  }

  /** dies ends the page's process, as when it has crashed. */
  async dies(): Promise<void> {
    const devtools = await this.context.newCDPSession(this.page);
    const gone = this.page.waitForEvent('crash');
    devtools.send('Page.crash').catch(() => {}); // nobody is left to answer
    await gone;
    await this.page.close();
  }

  /** vanishes ends the whole browser, without a word to anybody. */
  async vanishes(): Promise<void> {
    const devtools = await this.browser.newBrowserCDPSession();
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
    const gone = new Promise((done) => this.browser.once('disconnected', done));
    // Its network first, which would still say goodbye to the server.
    const inOrder = [...processInfo].sort((a, b) => Number(b.type.startsWith('utility')) - Number(a.type.startsWith('utility')));
    inOrder.forEach(({ id }) => process.kill(id, 'SIGKILL'));
    await gone;
  }

  /** keepsShell waits until this browser can open the page without the server. */
  async keepsShell(): Promise<void> {
    await this.page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await expect.poll(() => this.page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  }

  /** back opens the page again in the same browser. */
  async back(): Promise<Person> {
    const page = await this.context.newPage();
    const person = new Person(this.name, page, this.context, this.browser, this.browsers);
    await page.goto('/');
    return person;
  }

  async close(): Promise<void> {
    if (this.browser.isConnected()) {
      await this.context.close();
      await this.browsers.leave(this.browser);
    }
  }

  /** triesNow does not wait until the page looks for the server by itself. */
  async triesNow(): Promise<void> {
    const lost = this.page.getByText(/Connection lost/);
    const now = this.page.getByRole('button', { name: 'Try now' });
    await expect(async () => {
      await now.click({ timeout: 500 }).catch(() => {}); // it may have found it
      await expect(lost).toBeHidden({ timeout: 1_000 });
    }).toPass({ timeout: 40_000 });
  }

  /** entry is somebody in the list of contacts. */
  entry(name: string) {
    return this.page.getByRole('link', { name: new RegExp(`^${name},`) }).or(this.page.getByRole('button', { name: new RegExp(`^${name},`) }));
  }

  async talkTo(name: string): Promise<void> {
    await this.entry(name).click();
    await expect(this.page.getByRole('textbox', { name: 'Message', exact: true })).toBeVisible();
  }

  /** calls reaches somebody who answers. */
  async calls(other: Person): Promise<void> {
    await this.talkTo(other.name);
    await this.press('Call');
    await other.press('Answer');
  }

  async press(button: string): Promise<void> {
    await this.page.getByRole('button', { name: button, exact: true }).click();
  }

  async write(text: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Message', exact: true }).fill(text);
    await this.press('Send');
  }

  /** shows says how one wants to be seen, in what words and until what time of day. */
  async shows(state: string, { text, until }: { text?: string; until?: string } = {}): Promise<void> {
    await this.press('Your status');
    await this.page.getByRole('radio', { name: state }).check();
    if (until !== undefined) {
      await this.page.getByLabel('Until').selectOption('at');
      await this.page.getByLabel('Time', { exact: true }).fill(until);
    }
    if (text !== undefined) {
      await this.page.getByLabel('Status text').fill(text);
    }
    await this.press('Save');
  }

  /** tones are the frequencies that the page itself makes from now on. */
  tones(): Promise<JSHandle<number[]>> {
    return this.page.evaluateHandle(() => {
      const heard: number[] = [];
      const { start } = OscillatorNode.prototype;
      OscillatorNode.prototype.start = function (when?: number) {
        heard.push(this.frequency.value);
        start.call(this, when);
      };
      return heard;
    });
  }

  /** hides lets calls pass through the relay only. */
  async hides(): Promise<void> {
    await this.press('Settings');
    await this.page.getByRole('checkbox', { name: /Always use the relay/ }).check();
    await expect.poll(() => this.frames.filter(({ frame }) => frame.type === 'self').at(-1)?.frame.relay_only).toBe(true);
    await this.page.keyboard.press('Escape');
  }

  /** showsOnlyRelays checks that no address but relayed ones was sent. */
  showsOnlyRelays(): void {
    const candidates = this.frames
      .filter(({ sent, frame }) => sent && frame.type === 'call.candidate' && frame.candidate !== '')
      .map(({ frame }) => String(frame.candidate));
    expect(candidates.length, `${this.name}'s candidates`).toBeGreaterThan(0);
    for (const candidate of candidates) {
      expect(candidate).toContain('typ relay');
    }
  }

  /** offers are the negotiations that this side has begun in a call. */
  offers(): string[] {
    return this.frames.filter(({ sent, frame }) => sent && frame.type === 'call.description' && frame.kind === 'offer').map(({ frame }) => String(frame.negotiation));
  }

  /** says sends a private line. */
  async says(text: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Private line' }).fill(text);
    await this.press('Send privately');
  }

  /** line is a private line that is shown. */
  line(text: string) {
    return this.page.getByRole('log', { name: /^Private lines/ }).getByText(text, { exact: true });
  }

  /** unplug takes the microphone of the call away, as far as the page can tell. */
  async unplug(): Promise<void> {
    await this.page.evaluate(() => {
      const { connections } = window as unknown as { connections: RTCPeerConnection[] };
      const track = connections.at(-1)!.getSenders().find((sender) => sender.track?.kind === 'audio')!.track!;
      track.stop();
      track.dispatchEvent(new Event('ended'));
    });
  }

  /** words are those to compare in a call. */
  async words(): Promise<string> {
    await this.press('Call options');
    const words = await this.page.getByTestId('words').innerText();
    await this.page.keyboard.press('Escape');
    return words;
  }

  /** sees waits until a picture of somebody moves. */
  async sees(name: string): Promise<void> {
    const video = this.page.getByLabel(`Video of ${name}`);
    await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.getVideoPlaybackQuality().totalVideoFrames), { timeout: 20_000 }).toBeGreaterThan(5);
  }

  /** message is a text in the open conversation. */
  message(text: string) {
    return this.page.getByRole('log').getByText(text, { exact: true }).or(this.page.getByRole('main').getByText(text, { exact: true })).first();
  }

  /** passed waits for a frame. */
  async passed(type: string, fits: (frame: Passed['frame'], at: number) => boolean = () => true): Promise<Passed> {
    await expect.poll(() => this.frames.some(({ frame, at }) => frame.type === type && fits(frame, at)), { message: `${this.name}: ${type}`, timeout: 20_000 }).toBe(true);
    return this.frames.find(({ frame, at }) => frame.type === type && fits(frame, at))!;
  }

  /** story is what passed on the WebSocket, for whoever reads why a test failed. */
  story(): string {
    return this.frames
      .map(({ at, sent, frame }) => `${new Date(at).toISOString().slice(11, 23)} ${sent ? '→' : '←'} ${JSON.stringify(frame).slice(0, 400)}`)
      .join('\n');
  }

  /** hears waits until a tone comes out of the page's call, or of another of its sounds. */
  async hears(hz: number, of = 'audio'): Promise<void> {
    await expect
      .poll(() => this.page.evaluate(pitch, of), { message: `${this.name} hears ${hz} Hz`, timeout: 20_000, intervals: [100] })
      .toBeGreaterThan(hz - 15);
    expect(await this.page.evaluate(pitch, of)).toBeLessThan(hz + 15);
  }

  async hearsNothing(): Promise<void> {
    await expect.poll(() => this.page.evaluate(pitch, 'audio'), { timeout: 10_000, intervals: [200] }).toBe(0);
  }
}

/** pitch is the loudest frequency of the far end's sound in Hz, or 0. It runs in the page. */
async function pitch(of: string): Promise<number> {
  type Ear = { stream: MediaStream; analyser: AnalyserNode };
  const store = window as unknown as { ear?: Ear };
  const stream = document.querySelector<HTMLAudioElement>(of)?.srcObject;
  if (!(stream instanceof MediaStream) || stream.getAudioTracks().length === 0) {
    return 0;
  }
  if (store.ear?.stream !== stream) {
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(analyser);
    store.ear = { stream, analyser };
    await new Promise((then) => setTimeout(then, 300));
  }
  const { analyser } = store.ear;
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  let loudest = 0;
  bins.forEach((level, i) => {
    if (level > bins[loudest]!) {
      loudest = i;
    }
  });
  return bins[loudest]! < -60 ? 0 : (loudest * analyser.context.sampleRate) / analyser.fftSize;
}
