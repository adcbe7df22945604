import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SilenceWatch } from '../../../helper/silence-watch.ts';

function watched() {
  const input = new PassThrough();
  const watch = new SilenceWatch(input);
  return { input, watch };
}

test('a client that is heard keeps it, one that falls silent ends it', async () => {
  const { input, watch } = watched();
  for (let beat = 0; beat < 6; beat++) {
    watch.endAfter(600);
    await delay(150);
  }
  expect(input.destroyed).toBe(false);
  await expect.poll(() => input.destroyed, { timeout: 10_000 }).toBe(true);
  watch.dispose();
});

test('time in which nobody listened is no silence', async () => {
  const { input, watch } = watched();
  watch.endAfter(700);
  await delay(10);
  // a large binary is read: twice as long as the limit
  for (const until = performance.now() + 1500; performance.now() < until;);
  await delay(20);
  expect(input.destroyed).toBe(false);
  watch.dispose();
});

test('a client that never promised to show itself is never ended', async () => {
  const { input, watch } = watched();
  await delay(600);
  expect(input.destroyed).toBe(false);
  watch.dispose();
});
