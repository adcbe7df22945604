import { spawn, type ChildProcess } from 'node:child_process';
import { execa } from 'execa';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { localHelper, type LocalHelper } from '../../cli/in-process.ts';
import { LiveProfile } from '../../extension/core/live-profile.ts';
import { groupFrames } from '../../profile/groups.ts';
import { textAt } from '../../profile/strings.ts';
import { totalsOf } from '../../profile/totals.ts';
import type { Profile } from '../../protocol/profile.ts';
import { commandOf, descendants, isAlive } from './support/process-tree.ts';
import { cliBundle, repository, whyNoTracing } from './support/traced-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-live-profile-'));
const reason =
  whyNoTracing() ??
  (await execa('perf', ['version'], { reject: false }).then(({ code }) =>
    code === 'ENOENT' ? 'needs perf' : undefined,
  ));
const source = join(repository, 'test/fixtures/profiles/spin.c');
let helper: LocalHelper;
const programs: ChildProcess[] = [];

beforeAll(async () => {
  if (reason !== undefined) return;
  for (const [name, flag] of [
    ['spin', '-fno-omit-frame-pointer'],
    ['spin-dwarf', '-fomit-frame-pointer'],
  ] as const)
    await execa('gcc', ['-O1', '-g', flag, '-DROUNDS=1000000', '-o', join(folder, name), source]);
  helper = await localHelper();
});
afterEach(() => {
  for (const program of programs.splice(0)) program.kill('SIGKILL');
});
afterAll(async () => {
  await helper?.close();
  rmSync(folder, { recursive: true });
});

/** The program runs when it resolves: what perf has seen of the process before it became that program says nothing of it. */
async function start(name: string): Promise<number> {
  const path = join(folder, name);
  const program = spawn(path, { stdio: 'ignore' });
  programs.push(program);
  const pid = program.pid ?? 0;
  await expect.poll(() => readlinkSync(`/proc/${pid}/exe`)).toBe(path);
  return pid;
}

/** Resolves once so many samples have come. */
function untilTotal(live: LiveProfile, total: number): Promise<void> {
  return new Promise((resolve) => {
    const listener = live.onDidChange(() => {
      if (live.total < total && live.state !== 'ended') return;
      listener.dispose();
      resolve();
    });
  });
}

/** Functions by their own samples, the hottest first, each with the place of its frame. */
function hottest(profile: Profile): { name: string; self: number; total: number; place: string }[] {
  const groups = groupFrames(profile, 'function');
  const { self, total } = totalsOf(profile.nodes, groups.ofFrame, groups.name.length);
  const { frames, strings } = profile;
  return groups.name
    .map((_, group) => ({
      name: groups.name[group]!,
      self: self[group]!,
      total: total[group]!,
      place: `${textAt(strings, frames.file[groups.frame[group]!]!)}:${frames.line[groups.frame[group]!]!}`,
    }))
    .sort((a, b) => b.self - a.self);
}

for (const [program, walked] of [
  ['spin', /frame pointers: \d+ of \d+ functions/],
  ['spin-dwarf', /unwound with DWARF, because .* keeps no frame pointers/],
] as const)
  test(`the function that burns the CPU has the most samples, with its line, while ${program} runs`, async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const live = new LiveProfile('spin', {
      kind: 'on-cpu',
      target: { pid: await start(program) },
      // one of its rounds takes 5 ms: slower samples would meet it in step
      hz: 997,
    });
    const { engine, why } = await live.start(helper.connection);
    expect(engine).toMatch(/^perf \d/);
    expect(why).toMatch(walked);
    // it grows while it runs, and is whole in between
    await untilTotal(live, 100);
    const between = live.profile();
    await untilTotal(live, 300);
    expect(live.state).toBe('running');
    const engines = descendants(process.pid).filter((one) => /^(perf|sh)$/.test(commandOf(one)));
    expect(engines.length).toBeGreaterThanOrEqual(3);
    await live.stop();
    const [first] = hottest(live.profile());
    expect(first).toMatchObject({ name: 'leaf' });
    expect(first!.place).toBe(`${source}:2`);
    expect(first!.total).toBeGreaterThan(live.total / 2);
    expect(hottest(between)[0]!.name).toBe('leaf');
    expect(hottest(live.profile()).find(({ name }) => name === 'main')!.total).toBeGreaterThan(
      live.total * 0.9,
    );
    // stopping leaves neither perf nor its supervisor
    await expect.poll(() => engines.filter(isAlive), { timeout: 2000 }).toEqual([]);
  });

test('a process that ends, ends its profile; one that does not exist is told', async (ctx) => {
  if (reason !== undefined) ctx.skip(reason);
  const pid = await start('spin');
  const live = new LiveProfile('spin', { kind: 'on-cpu', target: { pid }, hz: 99 });
  await live.start(helper.connection);
  await untilTotal(live, 5);
  process.kill(pid, 'SIGKILL');
  await live.ended;
  expect(live.problem).toBeUndefined();
  expect(live.total).toBeGreaterThanOrEqual(5);
  for (const kind of ['on-cpu', 'off-cpu'] as const) {
    const gone = new LiveProfile('gone', { kind, target: { pid: 2 ** 31 - 2 }, hz: 99 });
    await expect(gone.start(helper.connection)).rejects.toMatchObject({ code: 'process-gone' });
    expect(gone.state).toBe('ended');
  }
  const fast = new LiveProfile('fast', { kind: 'on-cpu', target: 'machine', hz: 0 });
  await expect(fast.start(helper.connection)).rejects.toMatchObject({ code: 'invalid-argument' });
});

for (const callGraph of ['fp', 'dwarf'])
  test(`SIGKILL of the owner leaves nothing of perf (${callGraph}) behind after 2 s`, async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const pid = await start('spin');
    const out = join(folder, `killed-${callGraph}.probescope`);
    const cli = execa(
      process.execPath,
      [
        cliBundle,
        'profile',
        '--pid',
        String(pid),
        '--call-graph',
        callGraph,
        '--duration',
        '60s',
        '--out',
        out,
      ],
      { reject: false },
    );
    const isPerf = (): boolean => descendants(cli.pid ?? 0).length >= 4;
    await expect.poll(isPerf, { timeout: 20_000 }).toBe(true);
    const all = descendants(cli.pid ?? 0);
    cli.kill('SIGKILL');
    await cli;
    await expect.poll(() => all.filter(isAlive), { timeout: 2000 }).toEqual([]);
  });
