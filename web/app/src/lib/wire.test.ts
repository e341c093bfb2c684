import ts from 'typescript';
import { expect, test } from 'vitest';
import types from './wire.ts?raw';

// The server's samples of every frame, held against the types that this
// client is built with: the same files that the server tests.
const samples = import.meta.glob<string>('../../../../signaling/wire/testdata/*/*.json', { query: '?raw', import: 'default', eager: true });

/** read gives each sample of a direction by its frame's type. */
function read(direction: 'client' | 'server'): [type: string, json: string][] {
  return Object.entries(samples).flatMap(([path, json]) => {
    const [, from, type] = /(client|server)\/(.+)\.json$/.exec(path)!;
    return from === direction ? [[type!, json.trim()]] : [];
  });
}

/** complaints are what the compiler says of statements that use the wire types. */
function complaints(statements: string[]): string[] {
  const files = new Map([
    ['/wire.ts', types],
    ['/samples.ts', ["import type { ClientFrame, ServerFrame } from './wire';", ...statements].join('\n')],
  ]);
  const options: ts.CompilerOptions = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, types: [], skipLibCheck: true };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) =>
    files.has(name) ? ts.createSourceFile(name, files.get(name)!, ts.ScriptTarget.ES2022) : getSourceFile.call(host, name, ...rest);
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

test('every sample of the server is a frame of this client', () => {
  const statements = [
    ...read('client').map(([, json], i) => `export const c${i}: ClientFrame = ${json};`),
    ...read('server').map(([, json], i) => `export const s${i}: ServerFrame = ${json};`),
  ];
  expect(statements.length).toBeGreaterThan(40);
  expect(complaints(statements)).toEqual([]);
}, 60_000);

test('every frame of this client has a sample', () => {
  const has = (direction: 'client' | 'server') => read(direction).map(([type]) => `'${type}'`).join(' | ');
  expect(
    complaints([
      `export const c: ClientFrame['type'] extends ${has('client')} ? true : false = true;`,
      `export const s: ServerFrame['type'] extends ${has('server')} ? true : false = true;`,
    ]),
  ).toEqual([]);
}, 60_000);

test('a wrong sample is noticed', () => {
  expect(complaints(["export const c: ClientFrame = { type: 'ack', pos: 'one' };"])).toHaveLength(1);
  expect(complaints(["export const c: ClientFrame = { type: 'ack', pos: 1, more: 2 };"])).toHaveLength(1);
}, 60_000);
