// Exit codes of `probescope check` and `format`: 0 clean, 1 findings, 2 usage.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { checkCommand } from '../../../cli/check.ts';
import { formatCommand } from '../../../cli/format.ts';
import { UsageError, type Command } from '../../../cli/command.ts';

const files = {
  'clean.bt': 'BEGIN { print(1); }\n',
  'broken.bt': 'BEGIN { print(; }\n',
  'hint.bt': 'BEGIN { $x = 1; }\n',
  'dense.bt': 'BEGIN{print(1)}',
  'noise.bt': '\u0000\u0001\ufffd\ufffd{{{"',
  'cut.json': '{',
  'future.json': '{"format":"probescope-catalog","version":99}',
};
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-commands-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command on files of the folder; words with a dot are names of files. */
async function run(command: Command, ...words: string[]): Promise<{ code: number; said: string }> {
  const said: string[] = [];
  const listen = (text: unknown): boolean => said.push(String(text)) > 0;
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(listen),
  );
  try {
    const args = words.map((word) => (/[a-z]\.[a-z]/.test(word) ? join(folder, word) : word));
    return { code: await command.run(args), said: said.join('') };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { code: 2, said: error.message };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('probescope check', () => {
  test.each([
    [0, ['clean.bt'], ''],
    [0, ['hint.bt'], 'never read'],
    [1, ['broken.bt'], 'an expression was expected'],
    [1, ['clean.bt', 'broken.bt'], 'broken.bt:1:15'],
    [1, ['noise.bt'], 'noise.bt:1:1'],
    [1, ['--format', 'json', 'broken.bt'], '"severity":"error"'],
    [2, [], 'which file?'],
    [2, ['missing.bt'], 'there is no such file'],
    [2, ['--bpftrace', '0.5', 'clean.bt'], 'not a release'],
    [2, ['--format', 'xml', 'clean.bt'], 'text and json'],
    [2, ['--catalog', 'cut.json', 'clean.bt'], 'not JSON'],
    [2, ['--catalog', 'future.json', 'clean.bt'], 'version 99'],
    [2, ['--catalog', 'missing.json', 'clean.bt'], 'there is no such file'],
  ])('exits with %i for %j', async (code, words, text) => {
    const result = await run(checkCommand, ...words);
    expect(result).toEqual({ code, said: expect.stringContaining(text) as string });
  });

  test('says of a folder that it is one', async () => {
    expect(await run(checkCommand, folder)).toEqual({
      code: 2,
      said: expect.stringContaining('this is a folder') as string,
    });
  });
});

describe('probescope format', () => {
  test.each([
    [0, ['clean.bt'], 'BEGIN { print(1); }'],
    [0, ['--check', 'clean.bt'], ''],
    [1, ['--check', 'dense.bt'], 'dense.bt'],
    [1, ['broken.bt'], 'broken.bt:1:15'],
    [2, [], 'name the files'],
    [2, ['missing.bt'], 'there is no such file'],
    [2, ['--bpftrace', '0.5', 'clean.bt'], 'no version'],
    [2, ['--check', '--write', 'clean.bt'], 'exclude each other'],
    [2, ['--write', '-'], 'not standard input'],
  ])('exits with %i for %j', async (code, words, text) => {
    const result = await run(formatCommand, ...words);
    expect(result).toEqual({ code, said: expect.stringContaining(text) as string });
  });

  test('writes what it changes', async () => {
    writeFileSync(join(folder, 'written.bt'), files['dense.bt']);
    expect((await run(formatCommand, '--write', 'written.bt')).code).toBe(0);
    expect(readFileSync(join(folder, 'written.bt'), 'utf8')).toBe('BEGIN { print(1) }\n');
  });
});
