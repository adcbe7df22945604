import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { refusal, rooms } from '../../scripts/rooms.ts';

const root = resolve(import.meta.dirname, '../..');

/** Module names in import and export statements and in import() of constant strings. */
function importsOf(text: string): string[] {
  const pattern = /(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)(['"])([^'"\n]+)\1/gm;
  return [...text.matchAll(pattern)].map((match) => match[2] ?? '');
}

test('rooms import only what their doors allow', () => {
  const files = globSync(
    Object.keys(rooms).map((room) => `${room}/**/*.ts`),
    { cwd: root },
  );
  expect(files.length).toBeGreaterThan(5);
  const refusals = new Set<string>();
  for (const file of files)
    for (const name of importsOf(readFileSync(join(root, file), 'utf8'))) {
      const imported = name.startsWith('.') ? relative(root, resolve(root, dirname(file), name)) : name;
      const why = refusal(file, imported);
      if (why !== undefined) refusals.add(`${file}: ${why} (${name})`);
    }
  expect([...refusals]).toEqual([]);
});

test('the table of doors refuses what DESIGN forbids', () => {
  expect(refusal('webview/flame/main.ts', 'vscode')).toBe('webview may not import vscode');
  expect(refusal('extension/core/registry.ts', 'vscode')).toBe('extension/core may not import vscode');
  expect(refusal('extension/views/probes.ts', 'helper/main.ts')).toBe('extension may not import helper');
  expect(refusal('language-server/language/lexer.ts', 'node:fs')).toBeDefined();
  expect(refusal('cli/trace.ts', 'helper/main.ts')).toBeUndefined();
  expect(refusal('protocol/probe.ts', 'helper/main.ts')).toBeDefined();
});
