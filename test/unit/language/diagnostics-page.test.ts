// docs/diagnostics.md: every code once, with an example that yields it in the release that stands with it.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { explanations } from '../../../language-server/explanations.ts';
import { check } from '../../../language-server/language/check/check.ts';
import { checkCodes } from '../../../language-server/language/check/report.ts';
import type { Diagnostic } from '../../../language-server/language/diagnostic.ts';
import { knownCatalog } from '../../../language-server/language/known-catalog.ts';
import { syntaxCodes } from '../../../language-server/language/syntax/diagnostic-codes.ts';
import { parse } from '../../../language-server/language/syntax/parser.ts';
import { targetVerdict } from '../../../language-server/protocol.ts';
import { smallCatalog } from './catalog.ts';

const page = resolve(import.meta.dirname, '../../../docs/diagnostics.md');
const text = readFileSync(page, 'utf8');

const catalog = knownCatalog({
  ...smallCatalog,
  binaries: { '/usr/bin/demo': { functions: ['main', 'walk'], usdt: ['demo:start'] } },
});

interface Entry {
  readonly code: string;
  readonly severity: string;
  readonly release: string | undefined;
  readonly withCatalog: boolean;
  readonly example: string;
}

const entries: readonly Entry[] = text
  .split(/^### /m)
  .slice(1)
  .map((part) => {
    const block = /^```bpftrace 0\.(\d+)( catalog)?\n(.*?)^```$/ms.exec(part);
    return {
      code: /^`([a-z-]+)`$/m.exec(part)?.[1] ?? '',
      severity: /^\*\*(Error|Warning|Information|Hint)\*\* /m.exec(part)?.[1]?.toLowerCase() ?? '',
      release: block?.[1],
      withCatalog: block?.[2] !== undefined,
      example: block?.[3] ?? '',
    };
  });

function diagnose({ example, release, withCatalog }: Entry): readonly Diagnostic[] {
  const version = Number(release);
  const parsed = parse(example, { version });
  const checked = check(example, parsed, { version, ...(withCatalog ? { catalog } : {}) });
  return [...parsed.diagnostics, ...checked.diagnostics];
}

test('has every code exactly once', () => {
  const all = [...new Set<string>([...syntaxCodes, ...checkCodes, targetVerdict])];
  expect(entries.map(({ code }) => code).sort()).toEqual(all.sort());
});

test.each(entries.filter(({ code }) => code !== targetVerdict))('$code: the example yields it', (entry) => {
  const found = diagnose(entry).map(({ code, severity }) => `${severity} ${code}`);
  expect(found).toContain(`${entry.severity} ${entry.code}`);
});

test('links lead to the heading of the code', () => {
  const links = explanations(page);
  const lines = text.split('\n');
  for (const { code } of entries) {
    const link = new URL(links(code) ?? '');
    expect(link.pathname).toBe(page);
    expect(lines[Number(link.hash.slice(2)) - 1]).toBe(`### \`${code}\``);
  }
  expect(links('no-such-code')).toBeUndefined();
  expect(explanations(`${page}.missing`)('cast')).toBeUndefined();
});
