import { expect, test } from 'vitest';
import {
  controlPoints,
  onlyBeginsAndEnds,
  withControl,
} from '../../../helper/engines/bpftrace/scripts/control.ts';
import { endProblem } from '../../../helper/engines/bpftrace/scripts/end.ts';
import { LogLines, MOST_LINES } from '../../../helper/engines/bpftrace/scripts/log-lines.ts';
import { isBeyond, scriptRemarks } from '../../../helper/engines/bpftrace/scripts/remarks.ts';

test('a script keeps its line numbers; one with BEGIN and END alone ends where bpftrace ends by itself', () => {
  const script = 'BEGIN { printf("a:b\\n"); } // x:y\n/* k: */ END { @x[1] = 1; }';
  expect(onlyBeginsAndEnds(script)).toBe(true);
  expect(withControl(script, 'ps_word', '0.27.0').startsWith(`${script}\n`)).toBe(true);
  expect(controlPoints(script, '0.23.2')).toBe(2);
  expect(controlPoints(script, '0.27.0')).toBe(3);
  expect(onlyBeginsAndEnds('BEGIN { } interval:s:1 { }')).toBe(false);
  expect(onlyBeginsAndEnds('begin { } k*:"x" { } "')).toBe(false);
});

test('lines are put together from pieces, and cut and counted beyond their bounds', () => {
  const log = new LogLines();
  log.addText(1, 'printf', 'one\ntw');
  log.addText(2, 'printf', 'o\n');
  log.addText(3, 'printf', 'waits');
  expect(log.take(4, false).map(({ text }) => text)).toEqual(['one', 'two']);
  expect(log.take(1000, false)).toEqual([{ timeMs: 3, kind: 'printf', text: 'waits' }]);
  log.addText(5, 'printf', 'open');
  log.addText(6, 'time', '10:00\n');
  expect(log.take(6, true).map(({ text }) => text)).toEqual(['open', '10:00']);
  log.addText(7, 'printf', `${'x'.repeat(20_000)}\n`);
  expect(log.take(7, true)[0]?.text).toMatch(/^x{16384}… \(3616 characters more\)$/);
  for (let i = 0; i < MOST_LINES + 10; i++) log.addText(8, 'printf', 'line\n');
  expect(log.dropped).toBe(10);
  expect(log.take(8, true)).toHaveLength(MOST_LINES);
});

test.each([
  ["ERROR: Error attaching probe: 'kprobe:vfs_read'", 'kprobe:vfs_read'],
  ['ERROR: Error attaching probe: kprobe:vfs_read', 'kprobe:vfs_read'],
  ['ERROR: Could not resolve symbol: /bin/ls:nosuch, cannot attach probe.', 'uprobe:/bin/ls:nosuch'],
  [
    "ERROR: Unable to attach probe: hardware:cache-misses:1000. If this is expected, set the 'missing_probes' config variable to 'warn'.",
    'hardware:cache-misses:1000',
  ],
])('a complaint without a place stands at the attach point that it names: %s', (said, point) => {
  const script = 'BEGIN { }\nkprobe:vfs_read,\n uprobe:/bin/ls:nosuch { }\nhardware:cache-misses:1000 { }\n';
  const [remark] = scriptRemarks(said, script, true);
  const line = script.split('\n')[remark?.line ?? 0] ?? '';
  expect(line.slice(remark?.character, remark?.endCharacter)).toBe(point);
});

test('what bpftrace says of our own probes is not told as the script’s', () => {
  const stderr = 'stdin:2:1-9: ERROR: syntax error, unexpected interval, expecting }\n';
  expect(isBeyond(scriptRemarks(stderr, 'BEGIN {', true), stderr, 'BEGIN {')).toBe(true);
  expect(isBeyond(scriptRemarks(stderr, 'BEGIN {\n', true), stderr, 'BEGIN {\n')).toBe(false);
});

test('how a run ended: the script’s own exit code is no problem, a complaint, a signal or missing rights are', () => {
  const end = {
    ...{ exitCode: 3, signal: null, stderr: '', stdout: '', remarks: [], wasAttached: true },
    command: { words: ['/usr/bin/bpftrace'], version: '0.27.0' },
  };
  expect(endProblem(end)).toBeUndefined();
  expect(endProblem({ ...end, exitCode: 137 })?.code).toBe('engine-ended');
  expect(endProblem({ ...end, wasAttached: false, exitCode: 127 })?.code).toBe('engine-missing');
  const stderr = 'ERROR: bpftrace currently only supports running as the root user.\n';
  expect(endProblem({ ...end, wasAttached: false, exitCode: 1, stderr })?.code).toBe('no-privileges');
  const bad = 'stdin:4:2-5: ERROR: Undefined or undeclared variable: $x\n';
  const remarks = scriptRemarks(bad, '\n\n\n $x;', true);
  const problem = endProblem({ ...end, wasAttached: false, exitCode: 1, stderr: bad, remarks });
  expect(problem).toMatchObject({
    code: 'engine-refused',
    message: expect.stringContaining('line 4') as string,
  });
});
