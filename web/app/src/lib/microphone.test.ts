import { describe, expect, it, vi } from 'vitest';
import { Problem } from './errors';
import { close, openMicrophone } from './microphone';

function failing(name: string) {
  return { getUserMedia: () => Promise.reject(new DOMException('', name)) };
}

describe('openMicrophone', () => {
  it.each([
    ['NotAllowedError', /blocked/],
    ['NotFoundError', /No microphone was found/],
    ['NotReadableError', /another program/],
    ['AbortError', /Try again/],
    ['SomethingNew', /could not be opened/],
  ])('says %s in a sentence of its own', async (name, sentence) => {
    const error = await openMicrophone({}, failing(name)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: 'microphone', message: expect.stringMatching(sentence) as string });
  });

  it('says that a page without https has no microphone', async () => {
    vi.stubGlobal('navigator', {});
    await expect(openMicrophone()).rejects.toThrow(/https/);
    vi.unstubAllGlobals();
  });

  it('gives the stream and closes all of it', async () => {
    const tracks = [{ stopped: false, stop() { this.stopped = true; } }];
    const stream = { getTracks: () => tracks } as unknown as MediaStream;
    expect(await openMicrophone({}, { getUserMedia: () => Promise.resolve(stream) })).toBe(stream);
    close(stream);
    expect(tracks[0]!.stopped).toBe(true);
  });
});
