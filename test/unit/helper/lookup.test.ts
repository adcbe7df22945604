import { existsSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { asProblem } from '../../../protocol/errors.ts';
import type { FunctionQuery } from '../../../protocol/helper.ts';
import { measureRefusal, refusalReasons, usedSites } from '../../../protocol/sites.ts';
import { DebugInfo } from '../../../helper/symbols/debug-info.ts';
import { findSubjects } from '../../../helper/symbols/lookup.ts';
import { buildWorkloads, programOf, sourcesOf, type WorkloadName } from '../../../scripts/workloads.ts';

beforeAll(() => {
  buildWorkloads();
}, 60_000);

async function find(workload: WorkloadName, query: Omit<FunctionQuery, 'binary'>) {
  const binary = programOf(workload);
  return findSubjects(await DebugInfo.open(binary), { binary, ...query });
}

async function refusalOf(workload: WorkloadName, query: Omit<FunctionQuery, 'binary'>) {
  return find(workload, query).then(
    () => undefined,
    (error: unknown) => asProblem(error),
  );
}

const lineOf = (workload: WorkloadName, file: string, text: string): Promise<number> =>
  import('node:fs').then(
    ({ readFileSync }) =>
      readFileSync(`${sourcesOf(workload)}/${file}`, 'utf8')
        .split('\n')
        .findIndex((line) => line.includes(text)) + 1,
  );

test('the function around a line, with the USDT probes inside it', async () => {
  expect(existsSync(programOf('shop'))).toBe(true);
  const file = `${sourcesOf('shop')}/handle.c`;
  const line = await lineOf('shop', 'handle.c', 'response->status = route(');
  const subjects = await find('shop', { file, line });
  expect(
    subjects.map((subject) =>
      subject.kind === 'usdt' ? `${subject.provider}:${subject.name}` : subject.function,
    ),
  ).toEqual(['handle_request', 'shop:request__start', 'shop:request__done']);
  expect(subjects[0]!.sites).toMatchObject([{ kind: 'entry', symbol: 'handle_request' }]);
});

test('a clone is a site of its function', async () => {
  expect(await find('shop', { function: 'disk_read' })).toMatchObject([
    { function: 'disk_read', sites: [{ kind: 'clone', symbol: 'disk_read.constprop.0' }] },
  ]);
});

test('overloads are told apart, templates by their arguments', async () => {
  const names = async (name: string) =>
    (await find('shapes', { function: name })).map((subject) =>
      subject.kind === 'function' ? subject.function : '',
    );
  expect((await names('scale')).sort()).toEqual([
    'geo::scale(double, double)',
    'geo::scale(geo::Point, double)',
    'geo::scale(geo::Shape const&, double)',
  ]);
  expect(await names('geo::scale(double, double)')).toEqual(['geo::scale(double, double)']);
  expect(await names('sum')).toHaveLength(2);
  expect((await names('rank')).sort()).toEqual(['geo::detail::rank(int)', 'text::detail::rank(int)']);
  expect(await names('text::detail::rank')).toEqual(['text::detail::rank(int)']);
});

test('copies can be counted, and nothing else be measured of them', async () => {
  const [clamp] = await find('shop', { function: 'clamp_price' });
  expect(clamp?.sites.map(({ kind, into }) => `${kind} ${into}`)).toContain('inlined route');
  expect(measureRefusal(clamp!, ['count'], '/shop')).toBeUndefined();
  expect(measureRefusal(clamp!, ['latency'], '/shop')).toMatchObject({
    code: 'function-inlined-everywhere',
    alternatives: ['route'],
  });
  const [mix] = await find('copies', { function: 'mix' });
  expect(mix?.sites.map(({ kind }) => kind)).toEqual(['entry', 'inlined', 'inlined']);
  expect(usedSites(mix!, ['count'])).toMatchObject({ sites: mix?.sites, refused: [] });
  const latency = usedSites(mix!, ['count', 'latency']);
  expect(latency.sites).toMatchObject([{ kind: 'entry', symbol: 'mix' }]);
  expect(latency.refused).toHaveLength(2);
  expect(latency.refused[0]?.reason).toMatch(/^It is inlined into \w+ there.*It can be counted\.$/);
});

test('reasons are said once, and not hundreds of them', () => {
  const refused = (into: string) => ({
    kind: 'inlined' as const,
    reason: `It is inlined into ${into} there.`,
  });
  expect(refusalReasons([refused('a'), refused('b'), refused('a')])).toEqual([
    '2 × It is inlined into a there.',
    'It is inlined into b there.',
  ]);
  const many = refusalReasons(Array.from({ length: 300 }, (_, index) => refused(`f${index}`)));
  expect(many).toHaveLength(6);
  expect(many[5]).toBe('295 more reasons of this kind are not shown.');
});

test('two calls that begin at one instruction are two at each hit', async () => {
  const [leaf] = await find('copies', { function: 'leaf' });
  const copies = leaf?.sites.reduce((sum, { callsAHit = 1 }) => sum + callsAHit, 0);
  // six in the source, some of them in loops that the compiler unrolled or turned round
  expect(copies).toBeGreaterThanOrEqual(6);
  expect(new Set(leaf?.sites.map(({ vaddr }) => vaddr)).size).toBe(leaf?.sites.length);
});

test('what is not there is refused with the next step', async () => {
  expect(await refusalOf('copies', { function: 'take' })).toMatchObject({
    code: 'function-inlined-everywhere',
    alternatives: ['main'],
  });
  expect((await refusalOf('copies', { function: 'take' }))?.message).toContain('the prefix “lock”');
  expect(await refusalOf('shop', { function: 'db_qury' })).toMatchObject({
    code: 'function-not-found',
    alternatives: ['db_query'],
  });
  expect(await refusalOf('shop', { usdt: { provider: 'shop', name: 'nothing' } })).toMatchObject({
    code: 'function-not-found',
  });
  expect((await refusalOf('shop', { usdt: { provider: 'shop', name: 'nothing' } }))?.remedy).toContain(
    'shop:cache__hit',
  );
});

test('files that are no binaries', async () => {
  await expect(DebugInfo.open('/etc/passwd')).rejects.toMatchObject({ code: 'not-an-elf-file' });
  await expect(DebugInfo.open('/no/such/file')).rejects.toMatchObject({ code: 'file-not-found' });
});
