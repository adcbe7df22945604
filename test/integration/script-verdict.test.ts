import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { checkScript } from '../../helper/engines/bpftrace/verdict.ts';

const bpftrace = spawnSync('bpftrace', ['--version'], { encoding: 'utf8' });
const version = /v(\d+\.\d+\.\d+)/.exec(bpftrace.stdout ?? '')?.[1];
const asked = { command: ['bpftrace'], version: version ?? '' };

test('the installed bpftrace says what is wrong, and where', async (ctx) => {
  if (version === undefined || process.getuid?.() !== 0) ctx.skip('needs bpftrace and root');
  const verdict = await checkScript(asked, 'BEGIN {\n  printf("%d\\n", @nothing);\n}\n', { unsafe: false });
  expect(verdict.source).toBe(`bpftrace ${version}`);
  expect(verdict.remarks[0]).toMatchObject({ line: 1, severity: 'error' });
});

test('it accepts a good script, and a flood of garbage does not hang it', async (ctx) => {
  if (version === undefined || process.getuid?.() !== 0) ctx.skip('needs bpftrace and root');
  expect((await checkScript(asked, 'BEGIN { printf("x\\n"); exit(); }', { unsafe: false })).remarks).toEqual(
    [],
  );
  const garbage = await checkScript(asked, '\0\u0001('.repeat(1000), { unsafe: false });
  expect(garbage.remarks.length).toBeGreaterThan(0);
});

test('--unsafe is passed on only when asked for', async (ctx) => {
  if (version === undefined || process.getuid?.() !== 0) ctx.skip('needs bpftrace and root');
  const script = 'BEGIN { system("true"); }';
  expect((await checkScript(asked, script, { unsafe: false })).remarks[0]?.message).toMatch(/unsafe/);
  expect((await checkScript(asked, script, { unsafe: true })).remarks).toEqual([]);
});

test('a bpftrace that is missing gives no verdict and no exception', async () => {
  const verdict = await checkScript({ command: ['/nonexistent/bpftrace'], version: '0.17.0' }, 'BEGIN { }', {
    unsafe: false,
  });
  expect(verdict.remarks).toEqual([]);
  expect(verdict.silent).toBeDefined();
});
