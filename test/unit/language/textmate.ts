/** VS Code's own tokenizer with the grammars of this extension. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import oniguruma from 'vscode-oniguruma';
import textmate, { type IGrammar, type IRawGrammar } from 'vscode-textmate';

const media = resolve(import.meta.dirname, '../../../media/language');
const require = createRequire(import.meta.url);

/** Stands in for VS Code's grammars of Markdown and shell: what the injections need of them, and no more. */
const hosts: readonly IRawGrammar[] = [
  host('text.html.markdown', [{ match: '^#.*$', name: 'markup.heading.markdown' }]),
  host('source.shell', [
    { match: '(^|\\s)#.*$', name: 'comment.line.number-sign.shell' },
    { begin: '"', end: '"', name: 'string.quoted.double.shell' },
    { begin: "'", end: "'", name: 'string.quoted.single.shell' },
  ]),
];

function host(scopeName: string, patterns: IRawGrammar['patterns']): IRawGrammar {
  return { scopeName, patterns, repository: {} as IRawGrammar['repository'] };
}

const files: Readonly<Record<string, string>> = {
  'source.bpftrace': 'bpftrace.tmLanguage.json',
  'markdown.bpftrace.codeblock': 'markdown-injection.tmLanguage.json',
  'shell.bpftrace.heredoc': 'shell-injection.tmLanguage.json',
};

/** What package.json's `injectTo` says. */
const injections: Readonly<Record<string, string[]>> = {
  'text.html.markdown': ['markdown.bpftrace.codeblock'],
  'source.shell': ['shell.bpftrace.heredoc'],
};

export type ScopeName = 'source.bpftrace' | 'text.html.markdown' | 'source.shell';

/** `grammars`: paths of real grammars by their scope, in place of the ones that stand in for them. */
export async function loadGrammar(
  scope: ScopeName,
  grammars: Readonly<Record<string, string>> = {},
): Promise<IGrammar> {
  const wasm = readFileSync(join(dirname(require.resolve('vscode-oniguruma')), 'onig.wasm'));
  await (loaded ??= oniguruma.loadWASM(wasm));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: (name) => Promise.resolve(rawGrammar(name, grammars)),
    getInjections: (name) => injections[name],
  });
  const grammar = await registry.loadGrammar(scope);
  if (grammar === null) throw new Error(`no grammar has the scope ${scope}`);
  return grammar;
}
let loaded: Promise<void> | undefined;

function rawGrammar(name: string, grammars: Readonly<Record<string, string>>): IRawGrammar | null {
  const path = grammars[name] ?? (files[name] === undefined ? undefined : join(media, files[name]));
  if (path !== undefined) return textmate.parseRawGrammar(readFileSync(path, 'utf8'), path);
  return hosts.find(({ scopeName }) => scopeName === name) ?? null;
}

/** The scopes at each offset of a text, innermost last, joined by spaces. */
export function scopesOf(grammar: IGrammar, text: string): string[] {
  const scopes: string[] = [];
  let stack = textmate.INITIAL;
  for (const line of text.split('\n')) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    for (const token of tokens)
      for (let at = token.startIndex; at < Math.min(token.endIndex, line.length); at++)
        scopes.push(token.scopes.join(' '));
    scopes.push('');
    stack = ruleStack;
  }
  return scopes;
}
