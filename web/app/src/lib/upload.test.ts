import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { upload } from './upload';

class FakeRequest {
  static last: FakeRequest;
  upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  onloadend?: () => void;
  status = 0;
  responseText = '';
  opened: string[] = [];
  headers = new Map<string, string>();
  sent: unknown;

  constructor() {
    FakeRequest.last = this;
  }
  open(...args: string[]) {
    this.opened = args;
  }
  setRequestHeader(name: string, value: string) {
    this.headers.set(name, value);
  }
  getResponseHeader() {
    return '7';
  }
  send(body: unknown) {
    this.sent = body;
  }
  abort() {
    this.onabort?.();
    this.onloadend?.();
  }
  answers(status: number, body: string) {
    this.status = status;
    this.responseText = body;
    this.onload?.();
    this.onloadend?.();
  }
}

describe('upload', () => {
  const sound = new Blob(['sound'], { type: 'audio/webm;codecs=opus' });
  const parts: number[] = [];
  let result: ReturnType<typeof upload>;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('XMLHttpRequest', FakeRequest);
    parts.length = 0;
    result = upload({ cid: 'c1', to: 'b&b', sound }, (part) => parts.push(part));
    result.catch(() => {});
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('sends the whole sound with its type, and resolves to where it is', async () => {
    const request = FakeRequest.last;
    expect(request.opened).toEqual(['POST', '/api/notes?to=b%26b&cid=c1']);
    expect(request.headers.get('Content-Type')).toBe('audio/webm;codecs=opus');
    expect(request.sent).toBe(sound);
    request.upload.onprogress!({ loaded: 1, total: 4 });
    request.answers(200, JSON.stringify({ conv: 'c', seq: 3 }));
    await expect(result).resolves.toEqual({ conv: 'c', seq: 3 });
    expect(parts).toEqual([0.25]);
  });

  it("says the server's refusal, and how long to wait", async () => {
    FakeRequest.last.answers(429, JSON.stringify({ code: 'rate_limited', title: 'Slowly.' }));
    await expect(result).rejects.toMatchObject({ code: 'rate_limited', message: 'Slowly.', retryAfterMs: 7_000 });
  });

  it('is disconnected when cut, when it stands still, and when something else answered', async () => {
    FakeRequest.last.onerror!();
    await expect(result).rejects.toMatchObject({ code: 'disconnected' });
    const stalled = upload({ cid: 'c1', to: 'bob', sound }, () => {});
    vi.advanceTimersByTime(29_000);
    FakeRequest.last.upload.onprogress!({ loaded: 1, total: 4 });
    vi.advanceTimersByTime(29_000);
    FakeRequest.last.upload.onprogress!({ loaded: 2, total: 4 });
    vi.advanceTimersByTime(30_000);
    await expect(stalled).rejects.toMatchObject({ code: 'disconnected' });
    const portal = upload({ cid: 'c1', to: 'bob', sound }, () => {});
    FakeRequest.last.answers(200, '<h1>Sign in to the Wi-Fi</h1>');
    await expect(portal).rejects.toMatchObject({ code: 'disconnected' });
  });
});
