import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isUserName, REFUSED, sudoersText, wrapperText } from '../../../helper/privilege/wrapper.ts';

let folder: string;
let wrapper: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-test-'));
  const engine = join(folder, 'engine');
  // an engine that tells how it was called
  writeFileSync(
    engine,
    '#!/bin/sh\necho "RAN $* keys=${BPFTRACE_MAP_KEYS_MAX-} strlen=${BPFTRACE_STRLEN-} btf=${BPFTRACE_BTF-}"\n',
    { mode: 0o755 },
  );
  wrapper = join(folder, 'wrapper');
  writeFileSync(wrapper, wrapperText(engine), { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) =>
  spawnSync(wrapper, args, { encoding: 'utf8', input: '', env: { BPFTRACE_BTF: '/tmp/evil' } });

test.each([
  [['bpftrace', '--version'], 'RAN --version keys= strlen= btf=\n'],
  [['bpftrace', '-f', 'json', '-'], 'RAN -f json - keys= strlen= btf=\n'],
  [
    ['bpftrace', '-p', '17', '--map-keys', '4096', '--strlen', '200', '-f', 'json', '-'],
    'RAN -p 17 -f json - keys=4096 strlen=200 btf=\n',
  ],
  [['bpftrace', '-f', 'json', '--', '-'], 'RAN -f json -- - keys= strlen= btf=\n'],
  [
    ['bpftrace', '--map-keys', '9', '-f', 'json', '--', '-', '--unsafe', 'a b'],
    'RAN -f json -- - --unsafe a b keys=9 strlen= btf=\n',
  ],
  [['bpftrace', '-l', 'tracepoint:block:*'], 'RAN -l tracepoint:block:* keys= strlen= btf=\n'],
])('%j is what Probescope asks for', (args, output) => {
  const { status, stdout } = run(...args);
  expect(stdout).toBe(output);
  expect(status).toBe(0);
});

const refusals: string[][] = [
  [],
  ['sh'],
  ['bpftrace'],
  ['bpftrace', '--unsafe', '-f', 'json', '-'],
  ['bpftrace', '-f', 'json', '-', '--unsafe'],
  ['bpftrace', '-c', 'id', '-f', 'json', '-'],
  ['bpftrace', '-o', '/etc/passwd', '-f', 'json', '-'],
  ['bpftrace', '-e', 'BEGIN { exit(); }'],
  ['bpftrace', '-f', 'json', '/tmp/script.bt'],
  ['bpftrace', '-f', 'text', '-'],
  ['bpftrace', '-f', 'json', '-I', '/tmp', '-'],
  ['bpftrace', '--include', '/etc/shadow', '-f', 'json', '-'],
  ['bpftrace', '-p', '17;id', '-f', 'json', '-'],
  ['bpftrace', '-p', '', '-f', 'json', '-'],
  ['bpftrace', '-p', '99999999999', '-f', 'json', '-'],
  ['bpftrace', '--map-keys', '$(id)', '-f', 'json', '-'],
  ['bpftrace', '-f', 'json', '--', '/tmp/script.bt'],
  ['bpftrace', '-f', 'json', '--', '--unsafe', '-'],
  ['bpftrace', '--', '-'],
  ['bpftrace', '-p', '17', '-f', 'json', '--', '-'],
  ['bpftrace', '-f', 'json', '--', '-', ...Array.from({ length: 33 }, () => 'x')],
  ['bpftrace', '-l'],
  ['bpftrace', '-l', '/etc/shadow'],
  ['bpftrace', '-l', '--unsafe:'],
  ['bpftrace', '-l', 'script.bt'],
  ['bpftrace', '-lv', 'tracepoint:block:*'],
  ['bpftrace', '-l', 'tracepoint:block:*', '--unsafe'],
  ['bpftrace', '--version', '--unsafe'],
  ['bpftrace', '-fjson', '-'],
  ['tracefs'],
  ['tracefs', 'xyz', '4096'],
  ['tracefs', 'ab', '4096', 'more'],
  ['tracefs', '../ab', '4096'],
  ['tracefs', 'ab', '4096; id'],
  ['tracefs', 'a'.repeat(33), '1'],
];

test.each(refusals.map((args) => [args]))('%j is refused', (args) => {
  const { status, stdout, stderr } = run(...args);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^probescope-engine: refused: /);
  expect(status).toBe(REFUSED);
});

test('nothing but the grammar reaches the engine', () => {
  const words = fc.constantFrom(
    '-f',
    'json',
    '-',
    '-p',
    '1',
    '--unsafe',
    '-c',
    '-o',
    '-e',
    '--map-keys',
    '9',
    '`id`',
    '$(id)',
    'a b',
    '--',
    "'",
    '*',
    '',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 7 }), (args) => {
      const { stdout, status } = run('bpftrace', ...args);
      if (status === REFUSED) expect(stdout).toBe('');
      else expect(stdout).toMatch(/^RAN (?:-p \d{1,9} )?-f json - keys=\d* strlen= btf=\n$/);
    }),
    { numRuns: 150 },
  );
});

test('a user name cannot add to the rule', () => {
  expect(sudoersText('tracer').split('\n')[1]).toBe(
    'tracer ALL=(root) NOPASSWD: /usr/local/libexec/probescope-engine',
  );
  for (const name of ['root', 'ALL', 'a b', 'a,b', '%wheel', '#1000', 'a\nb', '', 'x'.repeat(33)])
    expect(isUserName(name)).toBe(false);
  expect(isUserName('tracer')).toBe(true);
});
