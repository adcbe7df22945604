import { existsSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { asProblem } from '../../../protocol/errors.ts';
import type { FunctionQuery } from '../../../protocol/helper.ts';
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

test('what is not there is refused with the next step', async () => {
  expect(await refusalOf('shop', { function: 'clamp_price' })).toMatchObject({
    code: 'function-inlined-everywhere',
    alternatives: ['route'],
  });
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
