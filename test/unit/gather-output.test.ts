import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { gatherOutput } from '../../helper/engines/gather-output.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('after a small piece the rest gathers; nothing is lost, nor its order', async () => {
  const stream = new PassThrough();
  const pieces: string[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(String(piece)));
  gatherOutput(stream);
  stream.write('a');
  await vi.advanceTimersByTimeAsync(0);
  for (const letter of 'bcd') stream.write(letter);
  await vi.advanceTimersByTimeAsync(50);
  expect(pieces).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(400);
  expect(pieces.join('')).toBe('abcd');
});

test('much at once is read without a rest', async () => {
  const stream = new PassThrough();
  let bytes = 0;
  stream.on('data', (piece: Buffer) => (bytes += piece.length));
  gatherOutput(stream);
  for (let i = 0; i < 50; i++) stream.write(Buffer.alloc(16 * 1024));
  await vi.advanceTimersByTimeAsync(0);
  expect(bytes).toBe(50 * 16 * 1024);
});

test('what was written before the end is read to its end', async () => {
  const stream = new PassThrough();
  const ended = vi.fn();
  stream.on('end', ended);
  gatherOutput(stream);
  stream.write('a');
  stream.end('b');
  await vi.advanceTimersByTimeAsync(1000);
  expect(ended).toHaveBeenCalledOnce();
});
