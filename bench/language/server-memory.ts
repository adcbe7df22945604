/** The memory of the real server process with a catalog of 100,000 names, after it has answered questions from it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { build } from 'esbuild';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import type { Catalog } from '../../protocol/catalog.ts';

const uri = 'file:///bench.bt';
const text = 'kprobe:vfs_read { print(arg0); }\nkprobe:tcpsend';

/** Prints the resident memory, in megabytes of 10^6 bytes, rounded up. */
export async function serverMemory(catalog: Catalog): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-'));
  const bundle = join(folder, 'server.cjs');
  const file = join(folder, 'catalog.json');
  writeFileSync(file, JSON.stringify(catalog));
  await build({
    entryPoints: [resolve(import.meta.dirname, '../../language-server/main.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'silent',
  });
  const server = spawn(process.execPath, [bundle, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const client = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  let answer: { file: string } | null = null;
  client.onRequest('probescope/catalog', () => answer);
  client.onRequest('workspace/inlayHint/refresh', () => null);
  client.listen();
  try {
    const capabilities = {};
    await client.sendRequest('initialize', { processId: null, rootUri: null, capabilities });
    await client.sendNotification('initialized', {});
    await client.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'bpftrace', version: 1, text },
    });
    const position = { line: 1, character: 14 };
    const complete = (): Promise<unknown> =>
      client.sendRequest('textDocument/completion', { textDocument: { uri }, position });
    await complete();
    const before = residentMb(server.pid);
    answer = { file };
    await client.sendNotification('probescope/catalogChanged', {});
    let names = 0;
    for (let attempt = 0; attempt < 300 && names < 20; attempt++) {
      names = countOf(await complete());
      await pause(100);
    }
    if (names < 20) throw new Error('the server never completed from the catalog');
    for (let round = 0; round < 50; round++) await complete();
    console.log(
      `${'server process with 100,000 names, resident (aim: < 100 MB)'.padEnd(66)} ${residentMb(server.pid)} MB, ${before} MB without a catalog`,
    );
  } finally {
    client.dispose();
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function countOf(answer: unknown): number {
  if (Array.isArray(answer)) return answer.length;
  if (typeof answer !== 'object' || answer === null || !('items' in answer)) return 0;
  return Array.isArray(answer.items) ? answer.items.length : 0;
}

function residentMb(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid ?? 'self'}/status`, 'utf8');
  return Math.ceil((Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) * 1024) / 1e6);
}
