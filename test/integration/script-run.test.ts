// Scripts of the user's in the real bpftrace, through the helper: what comes back, how it ends, and that nothing stays.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localHelper, type LocalHelper } from '../../cli/in-process.ts';
import { Recording } from '../../extension/core/recording/reader.ts';
import { RecordingWriter } from '../../extension/core/recording/writer.ts';
import { readScriptRun } from '../../extension/core/scripts/recorded.ts';
import { ScriptRecorder, scriptMeta } from '../../extension/core/scripts/recorder.ts';
import { ScriptRun } from '../../extension/core/scripts/script-run.ts';
import type { ScriptEnd, ScriptSpec } from '../../protocol/script.ts';
import { survivors, treeOf, waitForEnd } from '../e2e/processes.ts';
import { cliBundle, copyCli, repository, whyNoTracing } from './support/traced-program.ts';

const whyNot = whyNoTracing();
const folder = mkdtempSync(join(tmpdir(), 'probescope-script-'));
let helper: LocalHelper;
beforeAll(async () => {
  helper = await localHelper();
});
afterAll(async () => {
  await helper.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Wish extends Partial<Omit<ScriptSpec, 'run' | 'script'>> {
  /** Called once something was attached. */
  readonly whenAttached?: (run: ScriptRun) => unknown;
  readonly recorder?: ScriptRecorder;
}

async function runToEnd(script: string, wish: Wish = {}): Promise<{ run: ScriptRun; end: ScriptEnd }> {
  const { whenAttached, recorder, ...spec } = wish;
  const run = new ScriptRun();
  const ended = new Promise<ScriptEnd>((resolve) => run.onDidEnd(resolve));
  let isTold = false;
  const listeners = [
    run.onDidChange(() => {
      if (run.attached === undefined || isTold) return;
      isTold = true;
      void whenAttached?.(run);
    }),
    helper.connection.onScriptOutput((output) => recorder?.add(output)),
  ];
  await run.start(helper.connection, { script, args: [], unsafe: false, ...spec });
  const end = await ended;
  recorder?.finish(end);
  for (const listener of listeners) listener.dispose();
  return { run, end };
}

const texts = (run: ScriptRun): string[] => run.log.map(({ text }) => text);

test.skipIf(whyNot !== undefined)(
  'a script that exits at once: its log, its maps, its parameters as words',
  async () => {
    const { run, end } = await runToEnd(
      'BEGIN { printf("%s %d\\n", str($1), $2); @h = hist(5); @k["a"] = 2; printf("%r\\n", buf("a\\x00\\xff", 3)); exit(); }',
      { args: ['--unsafe; $(id)', '-7'] },
    );
    expect(end).toMatchObject({ exitCode: 0, stopped: false });
    expect(end.problem).toBeUndefined();
    expect(texts(run)).toEqual(['--unsafe; $(id) -7', 'a\\x00\\xff']);
    expect(run.maps.map(({ name, kind }) => [name, kind])).toEqual([
      ['@h', 'hist'],
      ['@k', 'values'],
    ]);
    expect(run.attached).toBe(1);
  },
);

test.skipIf(whyNot !== undefined)(
  'a run that is stopped prints its maps; so does one whose time is over; all of it is recorded',
  async () => {
    const path = join(folder, 'run.probescope');
    const script = 'interval:ms:50 { @n = count(); @s[kstack(4)] = count(); printf("tick\\n"); }';
    const recorded = { name: 'tick.bt', uri: '/src/tick.bt', script, args: ['1'], unsafe: false };
    const recorder = new ScriptRecorder(new RecordingWriter(path, scriptMeta(recorded)), recorded);
    const { run, end } = await runToEnd(script, {
      recorder,
      whenAttached: async (started) => {
        await sleep(600);
        await started.stop();
      },
    });
    expect(end).toMatchObject({ stopped: true });
    expect(end.problem).toBeUndefined();
    const ticks = texts(run).filter((text) => text === 'tick').length;
    expect(run.maps.find(({ name }) => name === '@n')).toMatchObject({ numbers: [ticks] });
    const recording = new Recording(path);
    const again = readScriptRun(recording);
    expect(again.script).toEqual(recorded);
    expect(again.run.log).toEqual(run.log);
    expect(again.run.maps).toEqual([...run.maps].sort((a, b) => (a.name < b.name ? -1 : 1)));
    expect(again.run.end).toEqual(end);
    expect(recording.profiles().map(({ title }) => title)).toEqual(['@s']);
    recording.close();
    expect((await runToEnd(script, { durationMs: 300 })).end).toMatchObject({ stopped: true });
  },
);

test.skipIf(whyNot !== undefined)(
  'errors point into the script: of the compiler, at its end, and at the attach point',
  async () => {
    const bad = await runToEnd('BEGIN\n{\n  @a = 1;\n  @a = "s";\n}\n');
    expect(bad.end.problem?.code).toBe('engine-refused');
    expect(bad.end.remarks).toMatchObject([{ line: 3, severity: 'error' }]);
    const open = await runToEnd('BEGIN { printf("x");');
    expect(open.end.problem?.code).toBe('engine-refused');
    expect(open.end.remarks[0]).toMatchObject({ line: 0 });
    expect(open.end.remarks[0]?.message).toMatch(/end of file/);
    const hardware = await runToEnd('BEGIN { }\nhardware:cache-misses:1000000 { @ = count(); }\n');
    if (hardware.end.problem !== undefined) {
      expect(hardware.end.problem.code).toBe('probe-refused');
      expect(hardware.end.remarks.at(-1)).toMatchObject({ line: 1, character: 0, endCharacter: 29 });
    }
    const nothing = await runToEnd('uprobe:/bin/ls:no_such_function { @ = count(); }');
    expect(nothing.end.problem?.code).toBe('probe-refused');
  },
);

test.skipIf(whyNot !== undefined)('unsafe functions are refused unless they were allowed', async () => {
  const script = 'BEGIN { system("echo from the shell"); exit(); }';
  expect((await runToEnd(script)).end.problem?.message).toMatch(/unsafe/);
  const { run, end } = await runToEnd(script, { unsafe: true });
  expect(end.problem).toBeUndefined();
  expect(texts(run)).toContain('from the shell');
});

test.skipIf(whyNot !== undefined)(
  'a flood is counted, not hoarded: what is shown and what is lost are told, and it can be stopped',
  async () => {
    const load = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1'], { stdio: 'ignore' });
    const script = `tracepoint:syscalls:sys_enter_read /pid == ${load.pid}/ { @n = count(); unroll(20) { printf("x\\n"); } }`;
    try {
      const { run, end } = await runToEnd(script, {
        whenAttached: async (started) => {
          await sleep(1500);
          await started.stop();
        },
      });
      expect(end.problem).toBeUndefined();
      const calls = run.maps[0]?.kind === 'values' ? (run.maps[0].numbers[0] ?? 0) : 0;
      expect(calls).toBeGreaterThan(1000);
      expect(run.lost.lines + run.lost.events).toBeGreaterThan(0);
      // what lies in bpftrace's buffers at its end, and what was lost since it last told so, is told by nobody
      const told = run.log.length + run.forgotten + run.lost.lines + run.lost.events;
      expect(told).toBeGreaterThan(calls);
      expect(told).toBeLessThan(calls * 20 + 100);
    } finally {
      load.kill();
    }
  },
);

test.skipIf(whyNot !== undefined)('a map with 100,000 keys arrives whole', async () => {
  const load = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1'], { stdio: 'ignore' });
  const script = `tracepoint:syscalls:sys_enter_read /pid == ${load.pid} && @i < 100000/ { @m[@i] = @i; @i++; }
tracepoint:syscalls:sys_exit_read /@i >= 100000/ { exit(); }`;
  try {
    const { run, end } = await runToEnd(script, { mapKeys: 100_000, durationMs: 30_000 });
    expect(end.problem).toBeUndefined();
    const map = run.maps.find(({ name }) => name === '@m');
    expect(map).toMatchObject({ total: 100_000 });
    expect(map?.kind === 'values' ? map.keys.length : 0).toBe(100_000);
    expect(run.lost.entries).toBe(0);
  } finally {
    load.kill();
  }
});

test.skipIf(whyNot !== undefined)('an attach point is counted on the target', async () => {
  const { count, examples } = await helper.connection.call('countAttachPoints', {
    attachPoint: 'tracepoint:sched:sched_process_*',
  });
  const own = readdirSync('/sys/kernel/tracing/events/sched').filter((name) =>
    name.startsWith('sched_process_'),
  );
  expect(count).toBe(own.length);
  expect(examples).toContain('tracepoint:sched:sched_process_exec');
  for (const attachPoint of ['--unsafe', '/etc/passwd', 'BEGIN', 'a:b\nc'])
    await expect(helper.connection.call('countAttachPoints', { attachPoint })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
});

test('what cannot be run is refused before anything starts', async () => {
  for (const spec of [
    { script: '  ' },
    { script: 'BEGIN\0' },
    { script: 'x'.repeat(1_000_001) },
    { script: 'BEGIN { }', args: Array.from({ length: 33 }, () => 'a') },
    { script: 'BEGIN { }', durationMs: 0 },
    { script: 'BEGIN { }', mapKeys: -1 },
  ])
    await expect(
      new ScriptRun().start(helper.connection, { args: [], unsafe: false, ...spec }),
    ).rejects.toMatchObject({ code: 'invalid-argument' });
});

test.skipIf(whyNot !== undefined)(
  'the helper is killed: no engine of its scripts remains; nor when its supervisor is killed as well',
  async () => {
    const script = join(folder, 'long.bt');
    writeFileSync(script, 'interval:ms:100 { @ = count(); }\n');
    for (const alsoSupervisor of [false, true]) {
      const cli = spawn(process.execPath, [join(repository, 'cli/main.ts'), 'run', script], {
        stdio: 'ignore',
      });
      const isEngine = (pid: number): boolean => {
        try {
          return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'bpftrace';
        } catch {
          return false;
        }
      };
      const pid = cli.pid ?? 0;
      await expect.poll(() => treeOf(pid).some((row) => isEngine(row.pid)), { timeout: 20_000 }).toBe(true);
      await sleep(500);
      const below = treeOf(pid).slice(1);
      const engines = below.filter((row) => isEngine(row.pid));
      if (alsoSupervisor) for (const row of below) if (!isEngine(row.pid)) process.kill(row.pid, 'SIGKILL');
      cli.kill('SIGKILL');
      expect(engines.length).toBeGreaterThan(0);
      await waitForEnd(engines, 20_000);
      expect(survivors(engines)).toEqual([]);
    }
  },
);

test.skipIf(whyNot !== undefined)(
  'on the command line: a bpftrace that is too old, one that refuses, and no privileges',
  () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const script = join(folder, 'hello.bt');
    writeFileSync(script, 'interval:s:1 { printf("hello\\n"); exit(); }\n');
    const own = (text: string) => {
      writeFileSync(join(bin, 'bpftrace'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      const env = { PATH: `${bin}:/usr/bin:/bin` };
      return spawnSync(process.execPath, [cliBundle, 'run', script], { encoding: 'utf8', env });
    };
    const old = own('echo bpftrace v0.11.3');
    expect(old.status).toBe(1);
    expect(old.stderr).toMatch(/0\.11\.3[^]*0\.17/);
    const refusing = own(
      'case "$1" in --version) echo bpftrace v0.17.0;; *) cat >/dev/null; echo "ERROR: no such thing" >&2; exit 1;; esac',
    );
    expect(refusing.status).toBe(1);
    expect(refusing.stderr).toMatch(/no such thing/);
    const killed = own(
      'case "$1" in --version) echo bpftrace v0.17.0;; *) cat >/dev/null; echo \'{"type": "attached_probes", "data": {"probes": 3}}\'; kill -9 $$;; esac',
    );
    expect(killed.stderr).toMatch(/ended while it was tracing \(exit code 137\)/);
    // the repository and this Node may lie in folders that nobody may enter
    const bundle = copyCli(folder);
    chmodSync(folder, 0o755);
    const nobody = { uid: 65534, gid: 65534, encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } } as const;
    const node = ['/usr/bin/node', '/usr/local/bin/node'].find(
      (path) => spawnSync(path, ['-v'], nobody).status === 0,
    );
    if (node === undefined) return;
    const denied = spawnSync(node, [bundle, 'run', script], nobody);
    expect(denied.stderr).toMatch(/Scripts need privileges that are missing[^]*wrapper install/);
    expect(denied.status).toBe(1);
  },
);
