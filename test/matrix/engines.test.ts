// What people do first, on the bpftrace of other distributions: latency, callers as a flame graph, USDT, a logpoint.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { buildWorkload, programOf, sourcesOf } from '../../scripts/workloads.ts';
import { cliBundle, TracedProgram, traceAll, whyNoTracing } from '../integration/support/traced-program.ts';
import { otherBpftrace, suites } from '../lab/other-bpftrace.ts';
import { missingForLab } from '../lab/run.ts';

const missing = whyNoTracing() ?? missingForLab('gcc', 'apt-get', 'dpkg-deb');

for (const suite of ['trixie', 'sid'] as const)
  describe(`bpftrace ${suites[suite]} of Debian ${suite}`, () => {
    const running: (ChildProcess | TracedProgram)[] = [];
    const path = process.env['PATH'];
    let folder: string;
    beforeAll(() => {
      if (missing !== undefined) return;
      folder = mkdtempSync(join(tmpdir(), 'probescope-matrix-'));
      buildWorkload('shop');
      // the first bpftrace of PATH is the one that the helper finds
      process.env['PATH'] = [dirname(otherBpftrace(suite)), path].join(delimiter);
    });
    afterAll(() => {
      process.env['PATH'] = path;
      if (folder !== undefined) rmSync(folder, { recursive: true });
    });
    afterEach(() => {
      for (const one of running.splice(0))
        if (one instanceof TracedProgram) one.end();
        else one.kill('SIGKILL');
    });

    const start = async (...args: string[]) => {
      const program = await TracedProgram.start('shop', args);
      running.push(program);
      return program;
    };
    const cli = (...args: string[]) =>
      execFileSync(process.execPath, [cliBundle, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });

    test('is the one that is used', (ctx) => {
      if (missing !== undefined) return ctx.skip(missing);
      const facts = JSON.parse(cli('doctor', '--json')) as {
        bpftrace: { version: string };
        abilities: Record<string, { works: boolean }>;
      };
      expect(facts.bpftrace.version).toMatch(new RegExp(`^${suites[suite].replace('.', '\\.')}\\b`));
      for (const ability of ['uprobe', 'uretprobe', 'usdt', 'tracepoint'])
        expect(facts.abilities[ability]?.works, ability).toBe(true);
    });

    test('latency: every call is counted and timed', async (ctx) => {
      if (missing !== undefined) return ctx.skip(missing);
      const program = await start('--threads', '4', '--requests', '200', '--rate', '500');
      const { traced, own } = await traceAll(program, [
        '--function',
        'db_query',
        '--function',
        'handle_request',
      ]);
      for (const probe of traced.probes) {
        expect(probe.count).toBe(own[probe.function]?.count);
        expect(probe.latencyNs?.returned).toBe(probe.count);
      }
    });

    test('callers: a flame graph whose frames have lines', async (ctx) => {
      if (missing !== undefined) return ctx.skip(missing);
      const program = await start('--threads', '2', '--requests', '200', '--rate', '500');
      const out = join(folder, `callers-${suite}.probescope`);
      const { traced, own } = await traceAll(program, [
        ...['--function', 'db_query', '--measure', 'callers', '--out', out],
      ]);
      const [probe] = traced.probes;
      expect(probe?.callers?.reduce((sum, { count }) => sum + count, 0)).toBe(own['db_query']?.count);
      const stack = probe?.callers?.[0]?.stack ?? [];
      expect(stack.map((frame) => frame.function)).toContain('handle_request');
      for (const frame of stack.slice(0, 3)) expect(frame.line).toBeGreaterThan(0);
      const svg = join(folder, `callers-${suite}.svg`);
      cli('export', out, '--format', 'svg', '--out', svg);
      expect(readFileSync(svg, 'utf8')).toContain('handle_request');
    });

    test('USDT probes are counted', async (ctx) => {
      if (missing !== undefined) return ctx.skip(missing);
      const program = await start('--threads', '2', '--requests', '100', '--rate', '500');
      const { traced, own } = await traceAll(program, [
        ...['--usdt', 'shop:request__start', '--function', 'handle_request', '--measure', 'count'],
      ]);
      const counts = Object.fromEntries(traced.probes.map((probe) => [probe.function, probe.count]));
      expect(counts).toEqual({
        handle_request: own['handle_request']?.count,
        'shop:request__start': own['handle_request']?.count,
      });
    });

    test('capabilities stand in for root from 0.25 on; uprobes need CAP_SYS_ADMIN where the kernel asks for it', (ctx) => {
      if (missing !== undefined) return ctx.skip(missing);
      if (suite !== 'sid') return ctx.skip('this release insists on root');
      const home = join(folder, 'home');
      mkdirSync(home);
      chownSync(home, 65534, 65534);
      chmodSync(folder, 0o755);
      const four = '+bpf,+perfmon,+dac_read_search,+dac_override';
      const as = (capabilities: string, ...args: string[]) =>
        spawnSync(
          'setpriv',
          [
            ...['--reuid=65534', '--regid=65534', '--clear-groups'],
            ...[`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`],
            ...[process.execPath, cliBundle, ...args],
          ],
          { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: home } },
        );
      const program = spawn(programOf('shop'), ['--rate', '500'], { stdio: 'ignore' });
      running.push(program);
      const trace = ['trace', '--binary', programOf('shop'), '--function', 'db_query', '--duration', '1s'];
      const doctor = (capabilities: string) =>
        JSON.parse(as(capabilities, 'doctor', '--json').stdout) as {
          privilege: { way: string };
          abilities: Record<'uprobe' | 'tracepoint', { works: boolean; remedy?: string }>;
        };

      const whole = `${four},+sys_admin`;
      expect(doctor(whole)).toMatchObject({
        privilege: { way: 'capabilities' },
        abilities: { uprobe: { works: true } },
      });
      const traced = as(whole, ...trace, '--json');
      expect(traced.status, traced.stderr).toBe(0);
      const { probes } = JSON.parse(traced.stdout) as { probes: { count: number }[] };
      expect(probes[0]?.count).toBeGreaterThan(50);

      const { privilege, abilities } = doctor(four);
      expect(privilege.way).toBe('capabilities');
      expect(abilities.tracepoint.works).toBe(true);
      const { status, stderr } = as(four, ...trace);
      if (abilities.uprobe.works) expect(status, stderr).toBe(0);
      else {
        expect(abilities.uprobe.remedy).toContain('CVE-2025-38466');
        expect(status).toBe(1);
        expect(stderr).toContain('bpftrace may not attach uprobes');
        expect(stderr).toContain('CAP_SYS_ADMIN');
      }
      expect(doctor('+bpf').privilege.way).toBe('none');
    });

    test('a logpoint prints the values of locals', (ctx) => {
      if (missing !== undefined) return ctx.skip(missing);
      const file = join(sourcesOf('shop'), 'db.c');
      const line =
        readFileSync(file, 'utf8')
          .split('\n')
          .findIndex((text) => text.includes('int length = query(')) + 1;
      const program = spawn(programOf('shop'), ['--threads', '1', '--rate', '100'], { stdio: 'ignore' });
      running.push(program);
      const output = cli(
        ...['logpoint', '--binary', programOf('shop'), '--pid', String(program.pid), '--at', `db.c:${line}`],
        ...['--hits', '5', '--duration', '20s', '--json', 'key {key} size {size}'],
      );
      const values = output
        .split('\n')
        .filter((text) => text.includes('"type":"value"'))
        .map((text) => (JSON.parse(text) as { text: string }).text);
      expect(values).toHaveLength(5);
      for (const text of values) expect(text).toMatch(/^key \d+ size \d+$/);
    });
  });
