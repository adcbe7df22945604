import { expect, test } from 'vitest';
import { filtersSeeReturnProbes, seccompMode } from '../../../helper/host/seccomp.ts';

// From the release that made return probes a system call to the one whose filters let it pass.
test.each([
  ['6.1.0-41-amd64', false],
  ['6.10.14', false],
  ['6.11.0', true],
  ['6.11.11', true],
  ['6.12.3+deb13-amd64', true],
  ['6.12.14', true],
  ['6.12.57+deb13-amd64', true],
  ['6.13.2', true],
  ['6.13.3', true],
  ['6.14.0', false],
  ['7.0.1', false],
  ['nonsense', false],
])('return probes are seen by filters of kernel %s: %s', (kernel, seen) => {
  expect(filtersSeeReturnProbes(kernel, 'x64')).toBe(seen);
  expect(filtersSeeReturnProbes(kernel, 'arm64')).toBe(false);
});

test('this process has a mode, and one that is gone has none', () => {
  expect([0, 1, 2]).toContain(seccompMode(process.pid));
  expect(seccompMode(2 ** 30)).toBe(0);
});
