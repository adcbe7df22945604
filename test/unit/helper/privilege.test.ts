import { expect, test } from 'vitest';
import { effectiveCapabilities, perfRefusal } from '../../../helper/privilege/privilege.ts';

const PERFMON = 1n << 38n;

test('capabilities are read as the kernel prints them', () => {
  expect(effectiveCapabilities('Name:\tx\nCapEff:\t000001ffffffffff\n') & PERFMON).toBe(PERFMON);
  expect(effectiveCapabilities('CapEff:\t0000000000000000\n')).toBe(0n);
  expect(effectiveCapabilities('')).toBe(0n);
});

// Documentation/admin-guide/perf-security.rst; 3 is Debian's and Ubuntu's own
test.each([
  [-1, 1000, 0n, undefined],
  [1, 1000, 0n, undefined],
  [2, 1000, 0n, true],
  [3, 1000, 0n, false],
  [4, 1000, 0n, false],
  [4, 0, 0n, undefined],
  [4, 1000, PERFMON, undefined],
])('paranoid %d, uid %d: %s', (paranoid, uid, capabilities, works) => {
  expect(perfRefusal(paranoid, uid, capabilities)?.works).toBe(works);
});
