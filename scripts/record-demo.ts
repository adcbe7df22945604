// `npm run record-demo`: records the demo program for hosts without BPF, into media/demo/shop.probescope. Paths and host are
// neutral ones: a shipped file must not tell where it was made.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repository } from './node24.mjs';
import { sourcesOf } from './workloads.ts';

const out = join(repository, 'media', 'demo', 'shop.probescope');
const functions = ['handle_request', 'route', 'cache_get', 'db_query', 'render_tree', 'checksum'];

const folder = mkdtempSync('/tmp/probescope-demo-');
const program = join(folder, 'shop');
const sources = readdirSync(sourcesOf('shop')).filter((name) => name.endsWith('.c'));
execFileSync('gcc', [
  ...['-g', '-O2', '-fno-omit-frame-pointer', '-pthread', `-ffile-prefix-map=${repository}=/src/probescope`],
  ...['-o', program],
  ...sources.map((name) => join(sourcesOf('shop'), name)),
]);
const shop = spawn(program, [], { stdio: 'ignore' });
try {
  await delay(500);
  rmSync(out, { force: true });
  mkdirSync(join(repository, 'media', 'demo'), { recursive: true });
  execFileSync(
    process.execPath,
    [
      ...[join(repository, 'dist', 'cli.js'), 'trace', '--binary', program, '--pid', String(shop.pid)],
      ...functions.flatMap((name) => ['--function', name]),
      ...['--measure', 'latency,callers', '--duration', '30s', '--out', out],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
} finally {
  shop.kill('SIGKILL');
  rmSync(folder, { recursive: true });
}
const database = new DatabaseSync(out);
const set = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
set.run('host', 'the demo machine');
set.run('kernel', release().split('.').slice(0, 2).join('.'));
set.run('title', 'trace of the demo program');
set.run('command', 'npm run record-demo');
for (const table of ['strings SET text = replace(text, ?, ?)', 'probes SET spec = replace(spec, ?, ?)'])
  database.prepare(`UPDATE ${table}`).run(folder, '/src/probescope/dist/workloads');
database.exec('PRAGMA journal_mode = DELETE; VACUUM');
database.close();
