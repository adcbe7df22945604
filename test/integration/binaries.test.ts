import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { findBinaries } from '../../helper/host/binaries.ts';
import { SymbolStore } from '../../helper/symbols/store.ts';
import { buildWorkloads, programOf, sourcesOf } from '../../scripts/workloads.ts';

test('the running program is found first, then the file on disk', async (ctx) => {
  if (process.platform !== 'linux') return ctx.skip('needs /proc');
  buildWorkloads();
  const store = new SymbolStore();
  const program = programOf('shop');
  const folders = [dirname(program)];
  const query = { file: `${sourcesOf('shop')}/db.c`, folders };
  const [onDisk] = await findBinaries(store, query);
  expect(onDisk).toMatchObject({ binary: program, fileInBinary: query.file });

  const shop = spawn(program, ['--wait'], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(shop.stdout, 'data');
    const [running] = await findBinaries(store, { ...query, folders: [] });
    expect(running).toMatchObject({ binary: program, stale: false });
    expect(running!.processes.map(({ pid }) => pid)).toContain(shop.pid);
  } finally {
    shop.kill('SIGKILL');
  }
  await expect(findBinaries(store, { file: '/no/such/file.c', folders })).rejects.toMatchObject({
    code: 'binary-not-found',
  });
  store.dispose();
});
