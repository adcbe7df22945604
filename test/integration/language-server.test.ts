import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { smallCatalog } from '../unit/language/catalog.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-server-'));
const bundle = join(folder, 'server.cjs');
const uri = 'file:///tmp/script.bt';

interface Published {
  readonly uri: string;
  readonly version?: number;
  readonly diagnostics: readonly {
    code?: string;
    source: string;
    message: string;
    range: { start: { line: number; character: number } };
  }[];
}

beforeAll(async () => {
  const entry = resolve(import.meta.dirname, '../../language-server/main.ts');
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'silent',
  });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let server: ChildProcess;
let client: MessageConnection;
let published: Published[];
let catalog: { file: string } | null;
let version = 0;

beforeEach(async () => {
  published = [];
  catalog = null;
  server = spawn(process.execPath, [bundle, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (server.stdout === null || server.stdin === null) throw new Error('no pipes');
  client = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  client.onNotification('textDocument/publishDiagnostics', (params: Published) => {
    published.push(params);
  });
  client.onRequest('probescope/catalog', () => catalog);
  client.onRequest('workspace/inlayHint/refresh', () => null);
  client.listen();
  await client.sendRequest('initialize', {
    processId: null,
    rootUri: null,
    capabilities: {},
    initializationOptions: { unsafe: false, bpftraceVersion: '0.17.0', commands: ['probescope.runScript'] },
  });
  await client.sendNotification('initialized', {});
});
afterEach(() => {
  client.dispose();
  server.kill('SIGKILL');
});

const open = (text: string): Promise<void> =>
  client.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'bpftrace', version: ++version, text },
  });
const change = (text: string): Promise<void> =>
  client.sendNotification('textDocument/didChange', {
    textDocument: { uri, version: ++version },
    contentChanges: [{ text }],
  });
const at = (line: number, character: number) => ({ textDocument: { uri }, position: { line, character } });
/** Every request is answered in order: what was sent before it has been handled. */
const settled = (): Promise<unknown> =>
  client.sendRequest('textDocument/foldingRange', { textDocument: { uri } });
async function until(holds: () => boolean): Promise<void> {
  for (let count = 0; count < 200 && !holds(); count++) await new Promise((wait) => setTimeout(wait, 25));
}
const last = (): Published['diagnostics'] => published[published.length - 1]?.diagnostics ?? [];

describe('the language server', () => {
  test('publishes diagnostics for the target’s release, and takes them back', async () => {
    await open('begin { let $x = 1; print($x); }');
    await settled();
    expect(last().map((one) => one.code)).toContain('needs-newer-version');
    expect(last()[0]?.source).toBe('probescope');
    await client.sendNotification('probescope/target', { bpftraceVersion: '0.27.1', unsafe: false });
    await settled();
    expect(last()).toEqual([]);
    await change('begin { print( }');
    await settled();
    expect(last().length).toBeGreaterThan(0);
    await client.sendNotification('textDocument/didClose', { textDocument: { uri } });
    await until(() => last().length === 0);
    expect(last()).toEqual([]);
  });

  test('completes from the catalog, explains, renames, formats and links', async () => {
    const file = join(folder, 'catalog.json');
    writeFileSync(file, JSON.stringify(smallCatalog));
    catalog = { file };
    await client.sendNotification('probescope/catalogChanged', {});
    await open('tracepoint:block:block_rq_issue {\n@a=args->bytes;\n}\nEND { clear(@a); }\nkprobe:vf');
    await until(() => published.length > 1);
    const fields = await client.sendRequest<{ items: { label: string }[] }>(
      'textDocument/completion',
      at(1, 9),
    );
    expect(fields.items.map((item) => item.label)).toContain('bytes');
    const probes = await client.sendRequest<{ items: { label: string }[] }>(
      'textDocument/completion',
      at(4, 9),
    );
    expect(probes.items.map((item) => item.label)).toEqual(['kprobe:vfs_read', 'kprobe:vfs_write']);
    await change('tracepoint:block:block_rq_issue {\n@a=args->bytes;\n}\nEND { clear(@a); }\n');
    const hover = await client.sendRequest<{ contents: { value: string } }>('textDocument/hover', at(1, 10));
    expect(hover.contents.value).toContain('unsigned int bytes');
    const edit = await client.sendRequest<{ changes: Record<string, unknown[]> }>('textDocument/rename', {
      ...at(1, 1),
      newName: 'total',
    });
    expect(edit.changes[uri]).toHaveLength(2);
    await expect(client.sendRequest('textDocument/rename', { ...at(1, 1), newName: '1' })).rejects.toThrow(
      /no name/,
    );
    const formatted = await client.sendRequest<unknown[]>('textDocument/formatting', {
      textDocument: { uri },
      options: { tabSize: 2, insertSpaces: true },
    });
    expect(formatted.length).toBeGreaterThan(0);
    const lenses = await client.sendRequest<{ command: { title: string } }[]>('textDocument/codeLens', {
      textDocument: { uri },
    });
    expect(lenses.map(({ command }) => command.title)).toEqual(['Run', 'Run for 10 s']);
    const tokens = await client.sendRequest<{ data: number[] }>('textDocument/semanticTokens/full', {
      textDocument: { uri },
    });
    expect(tokens.data.length % 5).toBe(0);
  });

  test('merges the verdict of the target and does not repeat it', async () => {
    await open('BEGIN { print(1); }\nEND { foo( }\n');
    await settled();
    const place = { character: 0, endCharacter: 5, severity: 'error', message: 'no' };
    const diagnostics = [
      { ...place, line: 0, endLine: 0 },
      { ...place, line: 1, endLine: 1 },
    ];
    await client.sendNotification('probescope/verdict', { uri, source: 'bpftrace 0.17.0', diagnostics });
    await settled();
    const theirs = last().filter((one) => one.source === 'bpftrace 0.17.0');
    expect(theirs.map((one) => one.range.start.line)).toEqual([0]);
    await change('BEGIN { }');
    await settled();
    expect(last()).toEqual([]);
  });

  test('survives what is no script and no catalog', async () => {
    const bad = [
      '\0\u0001\ufffd'.repeat(10_000),
      'x'.repeat(10_000_000),
      `BEGIN { ${'a'.repeat(900_000)} }`,
      '('.repeat(10_000),
      'BEGIN {\r\n "',
    ];
    await open('');
    for (const text of bad) {
      await change(text);
      await settled();
      await client.sendRequest('textDocument/completion', at(0, 3));
      await client.sendRequest('textDocument/hover', at(0, 3));
      await client.sendRequest('textDocument/semanticTokens/full', { textDocument: { uri } });
      expect(last().length).toBeGreaterThan(0);
    }
    for (const text of ['', '{', '[]', '{"format":"probescope-catalog","version":99}', '\0']) {
      const file = join(folder, 'broken.json');
      writeFileSync(file, text);
      catalog = { file };
      const before = published.length;
      await client.sendNotification('probescope/catalogChanged', {});
      await until(() => published.length > before);
      expect(published.length).toBeGreaterThan(before);
    }
    catalog = { file: join(folder, 'absent.json') };
    await client.sendNotification('probescope/catalogChanged', {});
    await change('BEGIN { }');
    await settled();
    await until(() => last().length === 0);
    expect(last()).toEqual([]);
  });
});
