// PostgreSQL's USDT probes: all of them listed with arguments, and the SQL of a session in query__start.
import { execa } from 'execa';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { cliBundle } from './support/traced-program.ts';

const versions = '/usr/lib/postgresql';
const version = existsSync(versions) ? readdirSync(versions).sort().at(-1) : undefined;
const bin = `${versions}/${version}/bin`;
const postgres = `${bin}/postgres`;
const folder = mkdtempSync(join(tmpdir(), 'probescope-postgresql-'));
const data = join(folder, 'data');

const cli = (...args: string[]) => execa(process.execPath, [cliBundle, ...args], { reject: false });
/** PostgreSQL refuses to run as root. */
const asPostgres = (...words: string[]) =>
  execa('setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', ...words], { cwd: folder });

function whyNot(): string | undefined {
  if (version === undefined || !existsSync(postgres))
    return 'PostgreSQL is not installed: apt-get install postgresql';
  return process.getuid?.() === 0 ? undefined : 'only root may read the kernel’s trace buffer';
}

function skipUnlessPossible(ctx: TestContext): void {
  const why = whyNot();
  if (why !== undefined) ctx.skip(why);
}

beforeAll(async () => {
  if (whyNot() !== undefined) return;
  const { stdout } = await execa('id', ['-u', 'postgres']);
  chownSync(folder, Number(stdout), -1);
  await asPostgres(`${bin}/initdb`, '-D', data, '-A', 'trust', '--no-sync');
  // a socket in the folder and no port: nothing outside of the test sees it
  const options = `-k ${folder} -c listen_addresses= -F`;
  await asPostgres(`${bin}/pg_ctl`, '-D', data, '-w', '-l', join(folder, 'log'), '-o', options, 'start');
}, 60_000);
afterAll(async () => {
  if (existsSync(join(data, 'postmaster.pid')))
    await asPostgres(`${bin}/pg_ctl`, '-D', data, '-m', 'immediate', 'stop');
  rmSync(folder, { recursive: true, force: true });
});

test('every probe is listed with its arguments, as readelf has them', async (ctx) => {
  skipUnlessPossible(ctx);
  const { stdout: notes } = await execa('readelf', ['-n', '--wide', postgres]);
  const theirs = new Set([...notes.matchAll(/Provider: postgresql\s+Name: (\w+)/g)].map(([, name]) => name));
  const { stdout } = await cli(
    'sources',
    '--kind',
    'usdt',
    '--binary',
    postgres,
    '--match',
    postgres,
    '--fields',
    '--json',
  );
  const ours = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { name: string; fields: { name: string }[] });
  expect(new Set(ours.map(({ name }) => name.replace('postgresql/', '')))).toEqual(theirs);
  if (version === '15') expect(ours).toHaveLength(57);
  const fields = (name: string) =>
    ours.find((one) => one.name === `postgresql/${name}`)?.fields.map((field) => field.name);
  expect(fields('query__start')).toEqual(['arg0', 'text0']);
  expect(fields('transaction__start')).toEqual(['arg0']);
}, 60_000);

test('query__start shows the SQL of a real session', async (ctx) => {
  skipUnlessPossible(ctx);
  const sql = "SELECT count(*), 'grüße' FROM pg_class WHERE relpages > 3;";
  const watch = cli(
    'events',
    `usdt:${postgres}:postgresql/query__start`,
    '--first',
    '1',
    '--duration',
    '60s',
    '--json',
  );
  let ended = false;
  void watch.finally(() => (ended = true));
  // asked again until the watch has seen one: it says nothing when it begins
  while (!ended) {
    await asPostgres('psql', '-h', folder, '-d', 'postgres', '-Atc', sql);
    await delay(200);
  }
  const { stdout, stderr, exitCode } = await watch;
  expect(exitCode, stderr).toBe(0);
  const [row] = stdout.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(row).toMatchObject({ comm: 'postgres', text0: sql });
}, 90_000);
