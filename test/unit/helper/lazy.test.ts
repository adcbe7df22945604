import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readLines } from '../../../helper/engines/bpftrace/lines.ts';
import { Lazy } from '../../../helper/lazy.ts';

test('what is lazy is made once, when it is first asked for', async () => {
  let made = 0;
  const lazy = new Lazy(() => Promise.resolve({ number: ++made }));
  expect(made).toBe(0);
  const [first, second] = await Promise.all([lazy.get(), lazy.get()]);
  expect(first).toBe(second);
  expect(made).toBe(1);
});

test('what was never asked for is not made in order to be ended', async () => {
  let made = 0;
  const lazy = new Lazy(() => Promise.resolve(++made));
  await lazy.end(() => made++);
  expect(made).toBe(0);
});

test('an end waits for what is being made, and comes after those who asked for it', async () => {
  const order: string[] = [];
  let finish = (): void => undefined;
  const lazy = new Lazy(() => new Promise<string>((resolve) => (finish = () => resolve('service'))));
  const used = lazy.get().then(() => order.push('used'));
  const ended = lazy.end((service) => order.push(`${service} ended`));
  finish();
  await Promise.all([used, ended]);
  expect(order).toEqual(['used', 'service ended']);
});

test('lines come whole, however the stream is cut, with the rest at its end', async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, (line) => lines.push(line));
  const bytes = Buffer.from('one\n\ntwo µs\nthe rest');
  for (let at = 0; at < bytes.length; at++) stream.write(bytes.subarray(at, at + 1));
  stream.end();
  await new Promise((done) => stream.once('end', done));
  expect(lines).toEqual(['one', '', 'two µs', 'the rest']);
});
