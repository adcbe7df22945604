// What we export, read by the readers of those whose formats they are; what perf recorded, folded by perf's own script.
import { execa } from 'execa';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetched, peers, serveFolder } from '../../bench/flame/peers.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'probescope-readers-'));
const cli = (...args: string[]) =>
  execa(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'dist/cli.js'), ...args], {
    cwd: folder,
  });
const has = (program: string): boolean => spawnSync('which', [program]).status === 0;
const whyNot = has('perf') ? undefined : 'perf is not installed';

interface Row {
  readonly function: string;
  readonly self: number;
  readonly total: number;
}
/** Our own reading, which the others are held against. */
let functions: readonly Row[] = [];
let total = 0;

beforeAll(async () => {
  if (whyNot !== undefined) return;
  copyFileSync(join(root, 'test/fixtures/profiles/spin.c'), join(folder, 'spin.c'));
  const run = (program: string, ...args: string[]) => execa(program, args, { cwd: folder });
  await run('gcc', '-O1', '-g', '-fno-omit-frame-pointer', '-o', 'spin', 'spin.c');
  await run('perf', 'record', '-q', '-e', 'cpu-clock', '-F', '499', '-g', '-o', 'perf.data', './spin');
  await cli('import', 'perf.data', '--out', 'spin.probescope');
  const { stdout } = await cli(
    'query',
    'spin.probescope',
    '--json',
    'SELECT function, self, total FROM functions',
  );
  functions = JSON.parse(stdout) as Row[];
  total = functions.reduce((sum, { self }) => sum + self, 0);
  for (const format of ['folded', 'pprof', 'speedscope', 'chrome'])
    await cli('export', 'spin.probescope', '--format', format, '--out', `spin.${format}`);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Weights by stack, of lines as the tools around flamegraph.pl write them. */
function weightsOf(text: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    // flamegraph.pl: `my ($stack, $samples) = (/^(.*)\s+?(\d+(?:\.\d*)?)$/);`
    const [, stack = '', samples] = /^(.*)\s+?(\d+(?:\.\d*)?)$/.exec(line) ?? [];
    expect(samples, line).toBeDefined();
    const plain = stack.replace(/_\[[kij]\](?=;|$)/g, '');
    weights.set(plain, (weights.get(plain) ?? 0) + Number(samples));
  }
  return weights;
}
const sumOf = (weights: ReadonlyMap<string, number>): number =>
  [...weights.values()].reduce((sum, weight) => sum + weight, 0);

test('folded stacks fit flamegraph.pl’s grammar, and equal those of perf’s own stackcollapse', async (ctx) => {
  if (whyNot !== undefined) return ctx.skip(whyNot);
  const ours = weightsOf(readFileSync(join(folder, 'spin.folded'), 'utf8'));
  expect(sumOf(ours)).toBe(total);
  const { stdout, failed } = await execa(
    ...(['perf', ['script', 'report', 'stackcollapse', '-i', 'perf.data']] as const),
    { cwd: folder, reject: false },
  );
  if (failed) return ctx.skip('this perf has no stackcollapse script');
  const theirs = weightsOf(stdout);
  expect(sumOf(ours)).toBe(sumOf(theirs));
  // a frame that perf does not know is an address here, and [unknown] there
  const known = (weights: ReadonlyMap<string, number>) =>
    [...weights].filter(([stack]) => !/unknown|;0x/.test(stack)).sort();
  expect(known(ours).length).toBeGreaterThan(2);
  expect(known(ours)).toEqual(known(theirs));
});

test('go tool pprof reads every sample and the same functions', async (ctx) => {
  if (whyNot !== undefined) return ctx.skip(whyNot);
  if (!has('go')) return ctx.skip('go is not installed');
  const env = { HOME: folder, GOFLAGS: '', GOTOOLCHAIN: 'local' };
  const { stdout } = await execa(
    'go',
    ['tool', 'pprof', '-top', '-nodefraction=0', '-nodecount=1000', 'spin.pprof'],
    {
      cwd: folder,
      env,
    },
  );
  expect(stdout).toContain(`100% of ${total} total`);
  expect(stdout).toMatch(/^File: spin$/m);
  const rows = [...stdout.matchAll(/^ *(\d+) +[\d.]+% +[\d.]+% +(\d+) +[\d.]+% +(.+)$/gm)];
  const theirs = new Map(rows.map(([, self, sum, name]) => [name!, [Number(self), Number(sum)]]));
  for (const { function: name, self, total: sum } of functions)
    expect([name, theirs.get(name)]).toEqual([name, [self, sum]]);
});

test('pprof-format decodes it: strings, locations and lines are all there', async (ctx) => {
  if (whyNot !== undefined) return ctx.skip(whyNot);
  const modules = fetched('profile-readers', ['pprof-format@2'], 'pprof-format');
  if (modules === undefined) return ctx.skip('pprof-format could not be fetched from npm');
  const { Profile } = (await import(join(modules, 'pprof-format/dist/esm/index.js'))) as PprofFormat;
  const profile = Profile.decode(gunzipSync(readFileSync(join(folder, 'spin.pprof'))));
  const number = (value: number | bigint): number => Number(value);
  expect(profile.sample.reduce((sum, { value }) => sum + number(value[0]!), 0)).toBe(total);
  const text = (index: number | bigint): string => profile.stringTable.strings[number(index)]!;
  const named = new Map(profile.function.map(({ id, name }) => [number(id), text(name)]));
  const located = new Map(
    profile.location.map(({ id, line }) => [
      number(id),
      line.map((each) => named.get(number(each.functionId))),
    ]),
  );
  const self = new Map<string, number>();
  for (const { locationId, value } of profile.sample) {
    const name = located.get(number(locationId[0]!))![0]!;
    self.set(name, (self.get(name) ?? 0) + number(value[0]!));
  }
  expect(Object.fromEntries(self)).toEqual(
    Object.fromEntries(functions.filter((each) => each.self > 0).map((each) => [each.function, each.self])),
  );
});

test('speedscope opens its own format and Chrome’s, and lists the same functions', async (ctx) => {
  if (whyNot !== undefined) return ctx.skip(whyNot);
  const program = ['chromium', 'chromium-browser', 'google-chrome'].find(has);
  if (program === undefined) return ctx.skip('chromium is not installed');
  const modules = peers();
  if (modules === undefined) return ctx.skip('speedscope could not be fetched from npm');
  const { address, close } = await serveFolder(join(modules, 'speedscope/dist/release'));
  const executablePath = spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    for (const format of ['speedscope', 'chrome']) {
      const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
      await page.goto(`${address}/index.html`);
      await page
        .locator('input[type=file]')
        .first()
        .setInputFiles(join(folder, `spin.${format}`));
      // the sandwich is a table
      await page.getByText('Sandwich').click();
      const row = page.locator('tr', { hasText: 'leaf' });
      await row.first().waitFor();
      const { self, total: sum } = functions.find((each) => each.function === 'leaf')!;
      const share = (weight: number): string => `${Math.round((100 * weight) / total)}%`;
      // `1,234 (56%)`: total, own weight, name
      const cells = (await row.first().locator('td').allTextContents()).join(' ');
      expect(cells).toContain('leaf');
      expect(cells).toMatch(new RegExp(`\\(${share(sum)}\\).*\\(${share(self)}\\)`));
      await page.close();
    }
  } finally {
    await browser.close();
    close();
  }
});

/** What is used of the package. */
interface PprofFormat {
  readonly Profile: {
    decode(bytes: Uint8Array): {
      readonly sample: readonly {
        readonly locationId: readonly (number | bigint)[];
        readonly value: readonly (number | bigint)[];
      }[];
      readonly location: readonly {
        readonly id: number | bigint;
        readonly line: readonly { readonly functionId: number | bigint }[];
      }[];
      readonly function: readonly { readonly id: number | bigint; readonly name: number | bigint }[];
      readonly stringTable: { readonly strings: readonly string[] };
    };
  };
}
