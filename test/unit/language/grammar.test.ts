// The TextMate grammars, which colour a file before the language server answers, against the lexer and the tables.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { IGrammar } from 'vscode-textmate';
import { parse, type ParseResult } from '../../../language-server/language/syntax/parser.ts';
import { keywordCodes, T } from '../../../language-server/language/syntax/codes.ts';
import type { TokenKind } from '../../../language-server/language/syntax/tokens.ts';
import { walk } from '../../../language-server/language/syntax/walk.ts';
import { builtins } from '../../../language-server/language/tables/builtins.ts';
import { functions } from '../../../language-server/language/tables/functions.ts';
import { probeWords } from '../../../language-server/language/tables/probes.ts';
import { typeByName } from '../../../language-server/language/tables/words.ts';
import { snippets } from '../../language/snippets.ts';
import { generateProgram, randomNumbers } from '../../language/programs.ts';
import { commonScripts, newestScripts } from './scripts.ts';
import { loadGrammar, scopesOf } from './textmate.ts';

const releases = [17, 23, 27];
const unread = 'refused by that release';
const grammar = await loadGrammar('source.bpftrace');
const builtinNames = new Set(builtins.map(({ name }) => name));
const functionNames = new Set(functions.map(({ name }) => name));

/** What the grammar has to say of a token of that kind; words are judged by what they mean. */
const byKind: Partial<Record<TokenKind, RegExp>> = {
  comment: /\bcomment\./,
  shebang: /\bcomment\.line\.shebang/,
  preprocessor: /\bmeta\.preprocessor/,
  'c-body': /\bmeta\.struct/,
  variable: /\bvariable\.other\.bpftrace/,
  map: /\bvariable\.other\.map/,
  positional: /\bvariable\.parameter/,
  'parameter-count': /\bvariable\.parameter/,
  integer: /\bconstant\.numeric/,
  string: /\bstring\.quoted/,
};

interface Expected {
  readonly start: number;
  readonly end: number;
  readonly what: string;
  readonly scope: RegExp;
}

function expectedScopes(source: string, parsed: ParseResult): Expected[] {
  const { tokens } = parsed;
  const expected: Expected[] = [];
  for (let index = 0; index < tokens.count; index++) {
    const [start, end, kind] = [tokens.start(index), tokens.end(index), tokens.kind(index)];
    const scope = byKind[kind];
    if (scope !== undefined) expected.push({ start, end, what: kind, scope });
    const code = tokens.code(index);
    if (code > T.word && keywordCodes.get(source.slice(start, end)) === code)
      expected.push({ start, end, what: 'keyword', scope: /\b(?:keyword|storage|constant\.language)\b/ });
  }
  walk(parsed.program, (node) => {
    const { start, end } = node;
    switch (node.kind) {
      case 'attach-point': {
        const { provider } = node;
        if (probeWords.some(({ name, alias }) => name === provider.text || alias === provider.text))
          expected.push({ ...provider, what: 'probe type', scope: /\bentity\.name\.type\.probe/ });
        break;
      }
      case 'identifier':
        if (builtinNames.has(node.name))
          expected.push({ start, end, what: 'builtin', scope: /\bsupport\.(?:variable|function)/ });
        break;
      case 'call':
        if (functionNames.has(node.callee.text))
          expected.push({ ...node.callee, what: 'function', scope: /\bsupport\.function/ });
        break;
      case 'named-type':
        if (node.keyword === undefined && typeByName.has(node.name.text))
          expected.push({ ...node.name, what: 'type', scope: /\bstorage\.type/ });
        break;
      default:
    }
  });
  return expected;
}

/** Where the grammar disagrees: the text, what it is, and the scopes that it has. Undefined when that release refuses it. */
function disagreements(source: string, version: number): string[] | undefined {
  const parsed = parse(source, { version });
  if (parsed.diagnostics.some(({ severity }) => severity === 'error')) return undefined;
  const scopes = scopesOf(grammar, source);
  return expectedScopes(source, parsed).flatMap(({ start, end, what, scope }) => {
    for (let at = start; at < end; at++)
      if (source[at] !== '\n' && source[at] !== ' ' && source[at] !== '\t' && !scope.test(scopes[at] ?? ''))
        return [
          `${what} ${JSON.stringify(source.slice(start, end))} is ${scopes[at]} in ${JSON.stringify(source.slice(0, 160))}`,
        ];
    return [];
  });
}

const fixtures = globSync(join(resolve(import.meta.dirname, '../../fixtures'), '**/*.bt'));
const shipped = globSync('/usr/sbin/*.bt');

test.each([...fixtures, ...shipped].map((path) => [basename(path), path] as const))('%s', (_name, path) => {
  const source = readFileSync(path, 'utf8');
  const found = releases.flatMap((version) => disagreements(source, version) ?? [unread]);
  expect(found.filter((one) => one === unread).length).toBeLessThan(releases.length);
  expect(found.filter((one) => one !== unread)).toEqual([]);
});

test('programs that use all of the language', () => {
  for (const source of [...commonScripts, ...newestScripts])
    for (const version of releases) expect(disagreements(source, version) ?? []).toEqual([]);
  for (const source of commonScripts) expect(disagreements(source, 17)).toBeDefined();
  for (const source of newestScripts) expect(disagreements(source, 27)).toBeDefined();
});

test('a definition whose brace has a line of its own', () => {
  const source = 'struct point\n{\n  int x;\n};\n\nBEGIN\n{\n  $p = (struct point *)0;\n}\n';
  for (const version of releases) expect(disagreements(source, version)).toEqual([]);
});

test('scripts of one question each', () => {
  const all = snippets.flatMap((source) =>
    releases.flatMap((version) => disagreements(source, version) ?? []),
  );
  expect([...new Set(all)]).toEqual([]);
});

test('generated programs', () => {
  const random = randomNumbers(7);
  for (let index = 0; index < 300; index++) {
    const version = releases[index % 3] ?? 27;
    expect(disagreements(generateProgram(random, version), version)).toEqual([]);
  }
});

test('knows every function, builtin and probe type of the tables', () => {
  const unknown = [
    ...functions.map(({ name }) => [`BEGIN { ${name}(1); }`, name, /\bsupport\.function/] as const),
    ...builtins.map(({ name }) => [`BEGIN { print(${name}); }`, name, /\bsupport\.variable/] as const),
    ...probeWords.map(({ name }) => [`${name}:a { }`, name, /\bentity\.name\.type\.probe/] as const),
    ...[...typeByName.keys()].map((name) => [`BEGIN { $x = (${name})1; }`, name, /\bstorage\.type/] as const),
  ].filter(([source, name, scope]) => !scope.test(scopesOf(grammar, source)[source.indexOf(name)] ?? ''));
  expect(unknown.map(([, name]) => name)).toEqual([]);
});

/** Scopes at the first character of a piece of text. */
const scopeAt = (scopes: readonly string[], text: string, piece: string): string =>
  scopes[text.indexOf(piece)] ?? '';

const markdown =
  'Text with @map\n\n```bpftrace\nBEGIN { @x = 1; }\n```\n\n~~~bt\nkprobe:f { }\n~~~\n\nMore @text\n';

const shell = `bpftrace -q - <<'EOF' | tee out
interval:s:1 { @ticks = count(); }
EOF
echo "@after"
sudo bpftrace -e 'BEGIN { printf("%d", pid); }' # @comment
`;

function inMarkdown(use: IGrammar): void {
  const scopes = scopesOf(use, markdown);
  const at = (piece: string): string => scopeAt(scopes, markdown, piece);
  expect(at('@map')).not.toContain('bpftrace');
  expect(at('BEGIN')).toMatch(/meta\.embedded\.block\.bpftrace .*entity\.name\.type\.probe/);
  expect(at('@x')).toContain('variable.other.map.bpftrace');
  expect(at('kprobe')).toContain('entity.name.type.probe.bpftrace');
  expect(at('@text')).not.toContain('bpftrace');
}

function inShell(use: IGrammar): void {
  const scopes = scopesOf(use, shell);
  const at = (piece: string): string => scopeAt(scopes, shell, piece);
  expect(at('interval')).toMatch(/meta\.embedded\.block\.bpftrace .*entity\.name\.type\.probe/);
  expect(at('@ticks')).toContain('variable.other.map.bpftrace');
  expect(at('count')).toContain('support.function.bpftrace');
  expect(at('@after')).not.toContain('bpftrace');
  expect(at('BEGIN')).toContain('entity.name.type.probe.bpftrace');
  expect(at('%d')).toContain('constant.other.placeholder.bpftrace');
  expect(at('@comment')).not.toContain('bpftrace');
}

test('Markdown fences', async () => {
  inMarkdown(await loadGrammar('text.html.markdown'));
});

test('shell heredocs and -e', async () => {
  inShell(await loadGrammar('source.shell'));
});

const vscode = resolve(import.meta.dirname, '../../../.cache');
const real = {
  'text.html.markdown': 'markdown-basics/syntaxes/markdown.tmLanguage.json',
  'source.shell': 'shellscript/syntaxes/shell-unix-bash.tmLanguage.json',
};
const [extensions] = globSync(join(vscode, 'code-server-*/node_modules/code-server/lib/vscode/extensions'));
const grammars = Object.fromEntries(
  Object.entries(real).map(([scope, path]) => [scope, join(extensions ?? '', path)]),
);
const isThere = Object.values(grammars).every((path) => existsSync(path));

test.skipIf(!isThere)('within VS Code’s own grammars, where its sources are', async () => {
  inMarkdown(await loadGrammar('text.html.markdown', grammars));
  inShell(await loadGrammar('source.shell', grammars));
});
