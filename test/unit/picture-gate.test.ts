import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PictureGate } from '../../extension/webviews/picture-gate.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function gateTo(canTake = true): { gate: PictureGate; pictures: () => number } {
  const send = vi.fn(() => canTake);
  return { gate: new PictureGate(send), pictures: () => send.mock.calls.length };
}

test('the first picture goes at once; those asked for while it is drawn are one, sent when it has been', () => {
  const { gate, pictures } = gateTo();
  gate.request();
  expect(pictures()).toBe(1);
  for (let asked = 0; asked < 100; asked++) {
    gate.request();
    vi.advanceTimersByTime(100);
  }
  expect(pictures()).toBe(1);
  gate.drawn();
  expect(pictures()).toBe(2);
  gate.drawn();
  vi.advanceTimersByTime(1000);
  expect(pictures()).toBe(2);
});

test('a page that draws at once gets four pictures a second', () => {
  const { gate, pictures } = gateTo();
  for (let ms = 0; ms < 1990; ms += 10) {
    const before = pictures();
    gate.request();
    if (pictures() > before) gate.drawn();
    const sent = pictures();
    vi.advanceTimersByTime(10);
    if (pictures() > sent) gate.drawn();
  }
  expect(pictures()).toBe(8);
});

test('another message is waited for, too', () => {
  const { gate, pictures } = gateTo();
  gate.sent();
  gate.request();
  expect(pictures()).toBe(0);
  gate.drawn();
  expect(pictures()).toBe(1);
});

test('a page that begins anew gets its picture at once, whatever it had not drawn', () => {
  const { gate, pictures } = gateTo();
  gate.request();
  gate.sent();
  gate.restart();
  expect(pictures()).toBe(2);
  gate.drawn();
  vi.advanceTimersByTime(250);
  gate.request();
  expect(pictures()).toBe(3);
});

test('a hidden page takes nothing, and nothing is awaited of it', () => {
  const { gate, pictures } = gateTo(false);
  gate.request();
  gate.request();
  expect(pictures()).toBe(2);
});

test('nothing is sent to a page that was closed', () => {
  const { gate, pictures } = gateTo();
  gate.request();
  gate.drawn();
  gate.request();
  gate.dispose();
  vi.advanceTimersByTime(1000);
  expect(pictures()).toBe(1);
});
