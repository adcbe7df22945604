import { describe, expect, test } from 'vitest';
import { CheckMemory } from '../../../language-server/language/check/memory.ts';
import { analyse, type Analysis } from '../../../language-server/language/features/analysis.ts';
import { codeActions } from '../../../language-server/language/features/code-actions.ts';
import { complete } from '../../../language-server/language/features/completion.ts';
import { NameIndex } from '../../../language-server/language/features/fuzzy.ts';
import { hover } from '../../../language-server/language/features/hover.ts';
import { inlayHints } from '../../../language-server/language/features/inlay-hints.ts';
import { probeNames } from '../../../language-server/language/features/probe-names.ts';
import { semanticTokens } from '../../../language-server/language/features/semantic-tokens.ts';
import { signatureHelp } from '../../../language-server/language/features/signature-help.ts';
import {
  folds,
  lenses,
  links,
  outline,
  selectionRanges,
} from '../../../language-server/language/features/structure.ts';
import {
  definitionAt,
  occurrencesAt,
  prepareRename,
  rename,
} from '../../../language-server/language/features/symbols.ts';
import { knownCatalog } from '../../../language-server/language/known-catalog.ts';
import { PackedNames } from '../../../language-server/language/packed-names.ts';
import { applyEdits } from '../../../language-server/language/format/format.ts';
import { smallCatalog } from './catalog.ts';
import { commonScripts, mutate, newestScripts, seeded } from './scripts.ts';

const catalog = knownCatalog(smallCatalog);

/** The script with the cursor, written `|`, taken out of it. */
function at(marked: string, version = 27): { analysis: Analysis; offset: number } {
  const offset = marked.indexOf('¦');
  const source = offset < 0 ? marked : marked.slice(0, offset) + marked.slice(offset + 1);
  return { analysis: analyse(source, { version, catalog }), offset };
}
const names = probeNames(catalog);
const labels = (marked: string, version = 27): string[] => {
  const { analysis, offset } = at(marked, version);
  return complete(analysis, offset, names).items.map((item) => item.label);
};
const texts = (analysis: Analysis, spans: readonly { start: number; end: number }[]): string[] =>
  spans.map((span) => analysis.source.slice(span.start, span.end));

describe('completion', () => {
  test('of probes, fuzzy, and only what fits the type', () => {
    expect(labels('tracepoint:block:issue¦ { }')).toEqual(['tracepoint:block:block_rq_issue']);
    expect(labels('tracepoint:blrqiss¦')[0]).toBe('tracepoint:block:block_rq_issue');
    expect(labels('kprobe:vfs¦ { }')).toEqual(['kprobe:vfs_read', 'kprobe:vfs_write']);
    expect(labels('k¦')).toContain('kprobe');
    expect(labels('BEGIN { }\nint¦')).toContain('interval');
    expect(labels('¦', 17)).toContain('BEGIN');
    expect(labels('¦', 17)).not.toContain('begin');
  });

  test('of the fields of args, and of structs behind them', () => {
    expect(labels('tracepoint:block:block_rq_issue { print(args.¦) }')).toEqual([
      'dev',
      'sector',
      'nr_sector',
      'bytes',
      'rwbs',
      'comm',
    ]);
    expect(labels('tracepoint:syscalls:sys_enter_openat { print(str(args->fi¦lename)) }', 17)).toContain(
      'filename',
    );
    expect(labels('fentry:vfs_read { print(args.file.¦) }')).toEqual(['f_path', 'f_inode', 'f_flags']);
    expect(labels('kprobe:vfs_read { $f = (struct file *)arg0; print($f->¦) }')).toContain('f_inode');
    expect(labels('BEGIN { print(curtask->¦) }')).toContain('prio');
    expect(labels('struct a { int x; char *y; };\nBEGIN { $a = (struct a *)0; $a->¦ }')).toEqual(['x', 'y']);
  });

  test('of variables, maps, functions, builtins and settings', () => {
    expect(labels('BEGIN { $abc = 1; print($¦); }')).toContain('$abc');
    expect(labels('BEGIN { @abc = 1; } END { print(@¦); }')).toContain('@abc');
    const general = labels('kprobe:vfs_read { ¦ }');
    expect(general).toEqual(expect.arrayContaining(['printf', 'pid', 'arg0', 'if', 'uint64']));
    expect(labels('BEGIN { ¦ }', 17)).not.toContain('let');
    expect(labels('BEGIN { ¦ }', 22)).toContain('let');
    expect(labels('config = { ¦ }\nBEGIN { }')).toContain('max_map_keys');
    expect(labels('BEGIN { $x = (struct fi¦) }')).toEqual(['file']);
  });

  test('not in comments and strings', () => {
    expect(labels('BEGIN { /* ¦ */ }')).toEqual([]);
    expect(labels('BEGIN { print("¦"); }')).toEqual([]);
  });
});

describe('fuzzy search', () => {
  test('wants all characters in order and puts word starts first', () => {
    const index = new NameIndex(
      PackedNames.of(['sched:sched_switch', 'sched:sched_wakeup', 'xschedxswitchx']),
    );
    const found = index.search('switch', 10).map((one) => index.names.at(one));
    expect(found).toEqual(['sched:sched_switch', 'xschedxswitchx']);
    expect(index.search('schsw', 10)).toHaveLength(3);
    expect(index.search('zz', 10)).toEqual([]);
    expect(index.search('', 2)).toEqual([0, 1]);
  });
});

describe('navigation', () => {
  test('follows variables by scope: since 0.22 a block, before that the probe', () => {
    const script = 'BEGIN { if (1) { $x = 1; print($x¦); } $x = 2; }';
    const now = at(script, 22);
    expect(occurrencesAt(now.analysis, now.offset)).toHaveLength(2);
    const then = at(script, 21);
    expect(occurrencesAt(then.analysis, then.offset)).toHaveLength(3);
  });

  test('follows maps over probes, macros and functions to their definition', () => {
    const map = at('BEGIN { @a = 1; }\nEND { print(@a¦); @ab = 1; }');
    expect(definitionAt(map.analysis, map.offset)?.start).toBe(8);
    expect(occurrencesAt(map.analysis, map.offset)).toHaveLength(2);
    const macro = at('macro add($x) { $x + 1 }\nBEGIN { $x = 1; $y = ad¦d($x); }');
    expect(definitionAt(macro.analysis, macro.offset)?.start).toBe(6);
    const define = at('#define N 5\nBEGIN { print(N¦); }');
    expect(definitionAt(define.analysis, define.offset)?.start).toBe(8);
  });

  test('renames all references and refuses what would clash or is no name', () => {
    const { analysis, offset } = at('BEGIN { @a = 1; $b = @a; }\nEND { clear(@a¦); @c = 1; }');
    const edits = rename(analysis, offset, 'total');
    if ('refusal' in edits) throw new Error(edits.refusal);
    expect(applyEdits(analysis.source, edits)).toBe(
      'BEGIN { @total = 1; $b = @total; }\nEND { clear(@total); @c = 1; }',
    );
    expect(rename(analysis, offset, '@c')).toHaveProperty('refusal');
    expect(rename(analysis, offset, '1x')).toHaveProperty('refusal');
    expect(prepareRename(analysis, 1)).toHaveProperty('refusal');
  });
});

describe('hover', () => {
  const text = (marked: string): string => {
    const { analysis, offset } = at(marked);
    return hover(analysis, offset)?.text ?? '';
  };
  test('tells functions, builtins, probes, fields, structs, prototypes and own names', () => {
    expect(text('BEGIN { pri¦ntf("a"); }')).toContain('printf(');
    expect(text('BEGIN { print(p¦id); }')).toContain('process');
    expect(text('tracepoint:block:block_rq_¦issue { }')).toContain('unsigned int bytes;');
    expect(text('kprobe:vfs_¦read { }')).toContain(
      'ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)',
    );
    expect(text('tracepoint:block:block_rq_issue { print(args.by¦tes); }')).toContain('unsigned int bytes;');
    expect(text('BEGIN { $x = (struct fi¦le *)0; }')).toContain('struct inode *f_inode;');
    const own = 'struct pair { int a[4]; struct inner *b; }; BEGIN { $p = (struct pair *)1; print($p->';
    expect(text(`${own}a¦[0]); }`)).toContain('int a[4];');
    expect(text('struct pair { int a; }; BEGIN { print((struct pa¦ir *)1); }')).toContain('int a;');
    expect(text('BEGIN { @a¦ = 1; @a = 2; }')).toContain('Written 2 ×');
    expect(text('BEGIN { le¦t $x = 1; }')).toContain('0.22');
  });
});

test('signature help knows the argument under the cursor', () => {
  const { analysis, offset } = at('BEGIN { @ = lhist(pid, (1, 2), ¦ }');
  const help = signatureHelp(analysis, offset);
  expect(help?.activeParameter).toBe(2);
  expect(help?.signatures[0]?.label).toContain('lhist');
  const own = at('macro add($x, $y) { $x }\nBEGIN { add(1, ¦) }');
  expect(signatureHelp(own.analysis, own.offset)).toMatchObject({
    activeParameter: 1,
    signatures: [{ label: 'add($x, $y)' }],
  });
});

describe('structure', () => {
  const source =
    '#include <linux/fs.h>\n#include "own.h"\nstruct a {\n int x;\n};\n\n// one\n// two\nBEGIN {\n  @m = 1;\n}\n\nkprobe:vfs_*, END /pid/ { print(@m) }\n';
  const { analysis } = at(source);

  test('outline', () => {
    const entries = outline(analysis);
    expect(entries.map((entry) => [entry.kind, entry.name])).toEqual([
      ['struct', 'struct a'],
      ['probe', 'BEGIN'],
      ['probe', 'kprobe:vfs_*, END'],
    ]);
    expect(entries[1]?.children.map((child) => child.name)).toEqual(['@m']);
  });
  test('folding, links and lenses', () => {
    const kinds = folds(analysis).map((fold) => fold.kind);
    expect(kinds).toEqual(['imports', 'region', 'comment', 'region']);
    expect(links(analysis).map((link) => [link.kind, link.target])).toEqual([
      ['system-include', 'linux/fs.h'],
      ['include', 'own.h'],
    ]);
    expect(lenses(analysis).map((lens) => lens.action)).toEqual(['run', 'run-10s', 'attach-count']);
  });
  test('selection grows from the word to the file', () => {
    const one = at('BEGIN { @m = f(a¦ + 1); }');
    expect(texts(one.analysis, selectionRanges(one.analysis, one.offset))).toEqual([
      'a',
      'a + 1',
      'f(a + 1)',
      '@m = f(a + 1);'.slice(0, -1),
      ' @m = f(a + 1); ',
      '{ @m = f(a + 1); }',
      'BEGIN { @m = f(a + 1); }',
    ]);
  });
});

test('semantic tokens cover words, variables and numbers without overlaps', () => {
  const { analysis } = at('kprobe:vfs_read { @a[pid] = count(); printf("%d", 5); }');
  const tokens = semanticTokens(analysis);
  expect(tokens.map((token) => [analysis.source.slice(token.start, token.end), token.type])).toEqual([
    ['kprobe:vfs_read', 'namespace'],
    ['@a', 'property'],
    ['pid', 'variable'],
    ['count', 'function'],
    ['printf', 'function'],
    ['"%d"', 'string'],
    ['5', 'number'],
  ]);
});

test('inlay hints show inferred types once', () => {
  const { analysis } = at('BEGIN { $x = 1; $x = 2; @m[pid] = count(); }', 17);
  expect(inlayHints(analysis, 0, analysis.source.length).map((hint) => hint.label)).toEqual([
    ': int64',
    expect.stringContaining('count()'),
  ]);
});

test.each([
  ['begin { }', 17, 3, 'BEGIN { }'],
  ['BEGIN { }', 24, 3, 'begin { }'],
  ['BEGIN { @m[1] = 1; delete(@m, 1); }', 20, 24, 'BEGIN { @m[1] = 1; delete(@m[1]); }'],
  ['BEGIN { @m[1] = 1; delete(@m, 1); }', 21, 24, 'BEGIN { @m[1] = 1; delete(@m[1]); }'],
  ['BEGIN { @m[1, 2] = 1; delete(@m[1, 2]); }', 22, 30, 'BEGIN { @m[1, 2] = 1; delete(@m, (1, 2)); }'],
  [
    'BEGIN { @m[1] = 1; delete(@m[1], @m[2]); }',
    23,
    28,
    'BEGIN { @m[1] = 1; delete(@m[1]); delete(@m[2]); }',
  ],
  ['tracepoint:a:b { print(args.x); }', 18, 27, 'tracepoint:a:b { print(args->x); }'],
  ['tracepoint:a:b { print(args->x); }', 19, 28, 'tracepoint:a:b { print(args.x); }'],
  ['BEGIN { pritn(1); }', 23, 10, 'BEGIN { print(1); }'],
  [
    'uprobe:a:b { @s[tid] = 1; } uretprobe:a:b { print(@s[tid]); }',
    23,
    15,
    'uprobe:a:b { @s[tid] = 1; } uretprobe:a:b { print(@s[tid]); delete(@s, tid); }',
  ],
])('%s under 0.%i can become what that release reads', (source, version, offset, wanted) => {
  const analysis = analyse(source, { version });
  const results = codeActions(analysis, offset, offset).map(({ fix }) => applyEdits(source, fix.edits));
  expect(results).toContain(wanted);
});

test('features find the same in probes that an edit has moved', () => {
  for (const script of [...commonScripts, ...newestScripts]) {
    const memory = new CheckMemory();
    const options = { version: 27, catalog };
    analyse(script, options, memory);
    const source = `// first line\n${script}`;
    const [moved, anew] = [analyse(source, options, memory), analyse(source, options)];
    const seen = (analysis: Analysis): unknown => [
      analysis.diagnostics,
      semanticTokens(analysis),
      outline(analysis),
      folds(analysis),
      lenses(analysis),
      inlayHints(analysis, 0, source.length),
      codeActions(analysis, 0, source.length),
      Array.from({ length: Math.ceil(source.length / 7) }, (_, index) => [
        hover(analysis, index * 7),
        occurrencesAt(analysis, index * 7),
        selectionRanges(analysis, index * 7),
        signatureHelp(analysis, index * 7),
      ]),
    ];
    expect(seen(moved)).toEqual(seen(anew));
  }
});

test('no feature throws on damaged scripts', () => {
  const random = seeded(7);
  const scripts = [...commonScripts, ...newestScripts];
  for (let count = 0; count < 1500; count++) {
    const source = mutate(scripts[random(scripts.length)] ?? '', random);
    const analysis = analyse(source, { version: 17 + random(11), catalog });
    const offset = random(source.length + 1);
    complete(analysis, offset, names);
    hover(analysis, offset);
    signatureHelp(analysis, offset);
    occurrencesAt(analysis, offset);
    rename(analysis, offset, 'x1');
    outline(analysis);
    folds(analysis);
    links(analysis);
    lenses(analysis);
    selectionRanges(analysis, offset);
    semanticTokens(analysis);
    inlayHints(analysis, 0, source.length);
    codeActions(analysis, 0, source.length);
  }
});
