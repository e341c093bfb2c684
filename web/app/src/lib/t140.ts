// Real-time text as it is typed: ITU-T T.140 over a WebRTC data channel
// (RFC 8865), whose blocks are what was typed since the last one.

/** What RFC 8865 section 4.2.1 names the subprotocol. */
export const subprotocol = 't140';

const backspace = '\u0008';
const separator = '\u2028'; // ends a line; T.140 section 8
/** lost stands where text may be missing (T.140 Addendum 1). */
export const lost = '\uFFFD';

/** Blocks leave this often, and no more characters than people can read (RFC 8865 section 4.2.1: cps). */
const every = 300; // ms
const charactersPerSecond = 30;
const burst = 300;

/** edits are what takes one line to another: backspaces, then the new end. */
export function edits(before: string, after: string): string {
  const [from, to] = [[...before], [...after]];
  let same = 0;
  while (same < from.length && from[same] === to[same]) {
    same++;
  }
  return backspace.repeat(from.length - same) + to.slice(same).join('');
}

/** Shown is what the far end has typed of its line. */
export interface Shown {
  text: string;
  /** lines that were ended */
  ended: number;
}

/** Codes of T.140 that are not text: a mark of the byte order, sound, control functions and strings. */
const ignored = /\uFEFF|\u0007|\u0098[^\u009C]*\u009C|(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]/g;
const longest = 16 << 10;

/** apply is what is shown after one more block. */
export function apply({ text, ended }: Shown, block: string): Shown {
  const line = [...text];
  for (const character of block.replace(ignored, '').replace(/\r\n?|\n|\u2029/g, separator)) {
    if (character === backspace) {
      line.pop();
    } else if (character === separator) {
      line.length = 0;
      ended++;
    } else if (line.length < longest && (character >= ' ' || character === '\t')) {
      line.push(character);
    }
  }
  return { text: line.join(''), ended };
}

/** Typing sends what is typed, in blocks. */
export class Typing {
  private sent = ''; // of the line, as the far end has it
  private wanted = '';
  private timer: ReturnType<typeof setTimeout> | undefined;
  private allowed = burst;
  private since: number;

  constructor(
    private readonly send: (block: string) => void,
    private readonly now: () => number = Date.now,
  ) {
    this.since = now();
  }

  /** type says how the line reads now. */
  type(line: string): void {
    this.wanted = line;
    this.timer ??= setTimeout(() => this.flush(), every);
  }

  /** end ends the line. It reports whether the far end had seen any of it: only then is the end told there. */
  end(): boolean {
    this.stop();
    const begun = this.sent !== '';
    if (begun) {
      this.send(separator);
    }
    this.sent = this.wanted = '';
    return begun;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private flush(): void {
    this.timer = undefined;
    const now = this.now();
    this.allowed = Math.min(burst, this.allowed + ((now - this.since) / 1000) * charactersPerSecond);
    this.since = now;
    const block = [...edits(this.sent, this.wanted)].slice(0, Math.floor(this.allowed)).join('');
    if (block !== '') {
      this.allowed -= [...block].length;
      this.sent = apply({ text: this.sent, ended: 0 }, block).text;
      this.send(block);
    }
    if (this.sent !== this.wanted) {
      this.timer = setTimeout(() => this.flush(), every);
    }
  }
}
