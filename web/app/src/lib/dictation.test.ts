import { expect, it } from 'vitest';
import { soundOf } from './dictation';

it('takes files by their names', () => {
  const typeOf = (name: string) => soundOf(new File(['x'], name)).type;
  expect(typeOf('hello.opus')).toBe('audio/ogg');
  expect(typeOf('HELLO.OGG')).toBe('audio/ogg');
  expect(typeOf('a.webm')).toBe('audio/webm');
  expect(() => typeOf('a.mp3')).toThrow('.opus');
  expect(() => typeOf('webm')).toThrow();
});
