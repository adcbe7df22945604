import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordingWriter } from '../../extension/core/recording/writer.ts';
import { Recording } from '../../extension/core/recording/reader.ts';
import { commandOn } from '../../extension/core/targets/target.ts';
import { checkFilter } from '../../fields/filter/check.ts';
import { filterFields } from '../../fields/common.ts';
import { generate, type GenerateOptions } from '../../helper/engines/bpftrace/generate.ts';
import { needsAlias } from '../../helper/engines/bpftrace/quote.ts';
import { formatDefinition, isSpellable } from '../../helper/engines/tracefs/definition.ts';
import { commandsFor } from '../../helper/sources/commands.ts';
import type { UserPoint } from '../../helper/sources/source.ts';
import { parse } from '../../language-server/language/syntax/parser.ts';
import { walk } from '../../language-server/language/syntax/walk.ts';
import { ProbeError } from '../../protocol/errors.ts';
import type { ProbeSpec, Subject } from '../../protocol/probe.ts';
import { hostile, HOSTILE_RUNS } from '../support/hostile.ts';

/** No half of a surrogate pair: what UTF-8 can hold. */
const isWellFormed = (text: string) => !/\p{Surrogate}/u.test(text);
const runs = { numRuns: HOSTILE_RUNS };
const options: GenerateOptions = {
  version: '0.17.0',
  arch: 'x64',
  orders: { on: 'on', print: 'print', printStacks: 'stacks', off: 'off' },
  mapKeys: 16384,
  first: true,
  // as the session does it: a path that bpftrace cannot read goes by a link of ours
  pathOf: (binary) => (needsAlias(binary) ? '/tmp/link' : binary),
  returnAddressBytes: () => 8,
  filterPid: true,
};

/** The script, or undefined when the names were refused with the one code for that. */
function scriptFor(binary: string, subject: Subject): string | undefined {
  const spec: ProbeSpec = { id: 1, binary, measures: ['count'], subject };
  try {
    return generate([spec], options).script;
  } catch (error) {
    expect(error).toBeInstanceOf(ProbeError);
    expect((error as ProbeError).code).toBe('probe-refused');
    return undefined;
  }
}

const functionNamed = (symbol: string): Subject => ({
  kind: 'function',
  // what people are shown is no part of a script
  function: symbol,
  sites: [{ kind: 'entry', symbol, vaddr: 0x1000, fileOffsetBytes: 0x1000 }],
  refused: [],
});
const usdtNamed = (provider: string, name: string): Subject => ({
  kind: 'usdt',
  provider,
  name,
  sites: [{ kind: 'usdt', vaddr: 0x1000, fileOffsetBytes: 0x1000 }],
});

describe('a script holds a name as one quoted word, or does not come to be', () => {
  /** The only thing that differs from the script of a harmless name is the word itself. */
  const same = (
    script: string | undefined,
    harmless: string,
    words: readonly (readonly [string, string])[],
  ) => {
    if (script === undefined) return;
    const put = words.reduce((text, [word, plain]) => text.replaceAll(`"${word}"`, `"${plain}"`), script);
    expect(put).toBe(harmless);
  };
  const plain = scriptFor('/srv/x', functionNamed('f'))!;

  test('names of functions', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        same(scriptFor('/srv/x', functionNamed(name)), plain, [[name, 'f']]);
      }),
      runs,
    );
  });

  test('paths', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const path = `/srv/${name}`;
        const script = scriptFor(path, functionNamed('f'));
        expect(script).toBeDefined();
        same(script, plain, [
          [path, '/srv/x'],
          ['/tmp/link', '/srv/x'],
        ]);
      }),
      runs,
    );
  });

  test('providers and names of USDT probes', () => {
    const harmless = scriptFor('/srv/x', usdtNamed('p', 'n'))!;
    fc.assert(
      fc.property(hostile, (name) => {
        same(scriptFor('/srv/x', usdtNamed(name, 'n')), harmless, [[name, 'p']]);
        same(scriptFor('/srv/x', usdtNamed('p', name)), harmless, [[name, 'n']]);
      }),
      runs,
    );
  });

  test('the accepted ones are parsed as one attach point each', () => {
    const { program } = parse(plain);
    const probes = program.items.filter(({ kind }) => kind === 'probe');
    fc.assert(
      fc.property(hostile, (name) => {
        const script = scriptFor('/srv/x', functionNamed(name.replaceAll(/[^A-Za-z0-9_.$@]/g, '$') || 'f'));
        if (script === undefined) return;
        expect(parse(script).program.items.filter(({ kind }) => kind === 'probe')).toHaveLength(
          probes.length,
        );
      }),
      runs,
    );
  });
});

test('a definition for tracefs is one line of the fields that were meant', () => {
  const definition = (path: string, event: string) => ({
    group: 'g',
    event,
    path,
    fileOffsetBytes: 16,
    arguments: [],
  });
  fc.assert(
    fc.property(hostile, (name) => {
      const line = formatDefinition(definition(`/srv/${name}`, 'e'));
      const path = isSpellable(`/srv/${name}`) ? `/srv/${name}` : '/proc/self/fd/4';
      expect(line).toBe(`p:g/e ${path}:0x10`);
      expect(line).not.toMatch(/[\n\0"'#]/);
      expect(line.split(' ')).toHaveLength(2);
      if (!/^[A-Za-z_]\w{0,62}$/.test(name))
        expect(() => formatDefinition(definition('/srv/x', name))).toThrow(ProbeError);
    }),
    runs,
  );
});

describe('filters', () => {
  const field = {
    name: 'filename',
    type: 'const char *',
    offsetBytes: 8,
    sizeBytes: 8,
    signed: false,
    column: 'text',
    display: { as: 'text' },
  } as const;
  const plan = {
    engine: 'tracefs',
    tracepoint: 'sched:sched_switch',
    fields: [field],
  } as unknown as Parameters<typeof commandsFor>[0][number];
  /** As typed, as a value in quotes, and as a value whose quotes are escaped. */
  const texts = (name: string) => [
    name,
    `comm == "${name}"`,
    `filename == "${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  ];

  test('a predicate stays one predicate, and calls nothing', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        for (const filter of texts(name)) {
          const { filter: checked } = checkFilter(filter, filterFields([field]));
          if (checked === undefined) continue;
          const script = commandsFor([plan], { filter }, 17).find(({ tool }) => tool === 'bpftrace')?.text;
          if (script === undefined) continue;
          const { program } = parse(script);
          expect(program.items.map(({ kind }) => kind)).toEqual(['probe']);
          const calls: string[] = [];
          walk(program, (node) => {
            if (node.kind === 'call') calls.push(node.callee.text);
          });
          expect(calls.filter((call) => !['printf', 'str', 'strncmp'].includes(call))).toEqual([]);
        }
      }),
      runs,
    );
  });

  test('a copied probe of a program is one probe at the names that were meant, or is refused', () => {
    const copied = (point: UserPoint): string | undefined => {
      try {
        const [command] = commandsFor(
          [{ engine: 'uprobe', point, fields: [], definitions: () => [] }],
          {},
          17,
        );
        return command?.text;
      } catch (error) {
        expect(error).toMatchObject({ code: 'probe-refused' });
        return undefined;
      }
    };
    let held = 0;
    fc.assert(
      fc.property(hostile, (name) => {
        const points: [UserPoint, string][] = [
          [{ kind: 'function', path: '/srv/x', name }, `uprobe:"/srv/x":"${name}"`],
          [{ kind: 'function', path: `/srv/${name}`, name: 'f' }, `uprobe:"/srv/${name}":"f"`],
          [{ kind: 'usdt', path: '/srv/x', provider: name, name: 'n' }, `usdt:"/srv/x":"${name}":"n"`],
          [{ kind: 'usdt', path: '/srv/x', provider: 'p', name }, `usdt:"/srv/x":"p":"${name}"`],
        ];
        for (const [point, attach] of points) {
          const script = copied(point);
          if (script === undefined) continue;
          held++;
          expect(script).toBe(`${attach}\n{\n  printf("%s %d ${point.name}\\n", comm, pid);\n}\n`);
          expect(parse(script).program.items.map(({ kind }) => kind)).toEqual(['probe']);
        }
      }),
      runs,
    );
    expect(held).toBeGreaterThan(20);
  });

  test('a copied shell command has the words that were meant', () => {
    const commands: string[] = [];
    fc.assert(
      fc.property(hostile, (name) => {
        for (const filter of texts(name)) {
          if (checkFilter(filter, filterFields([field])).filter === undefined) continue;
          const perf = commandsFor([plan], { filter }, 17).find(({ tool }) => tool === 'perf')?.text;
          if (perf !== undefined) commands.push(perf);
        }
      }),
      runs,
    );
    expect(commands.length).toBeGreaterThan(20);
    const script = `perf() { printf '%s\\0' "$#" "$1" "$2" "$3" "$4" "$6"; }\n${commands.join('\n')}\n`;
    const words = execFileSync('sh', ['-s'], { input: script, encoding: 'utf8' }).split('\0');
    for (let at = 0; at + 6 <= words.length; at += 6)
      expect(words.slice(at, at + 6)).toEqual(['6', 'trace', '-e', 'sched:sched_switch', '--filter', '-a']);
    expect(words).toHaveLength(6 * commands.length + 1);
  });
});

describe('commands on targets', () => {
  /** The words that the far side's shell makes of what ssh hands to it. */
  const farSide = (lines: readonly string[]): string[][] =>
    lines.map((line) => execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1));

  test('words over ssh arrive as they were', () => {
    // one shell for all of them, 64 KB words included
    const collected: string[][] = [];
    fc.assert(
      fc.property(hostile, (word) => {
        if (word.includes('\0'))
          expect(() => commandOn({ kind: 'ssh', name: 'h', host: 'h' }, ['x', word])).toThrow(ProbeError);
        else if (word.length < 1000 && isWellFormed(word)) collected.push([word]);
      }),
      runs,
    );
    const words = collected.flat();
    for (let at = 0; at < words.length; at += 100) {
      const some = words.slice(at, at + 100);
      const { args } = commandOn({ kind: 'ssh', name: 'h', host: 'h' }, ['printf', '%s\\0', ...some]);
      expect(farSide([args.at(-1)!])[0]).toEqual(some);
    }
  });

  test('a host is a host or refused; it is never an option and never a second word', () => {
    fc.assert(
      fc.property(hostile, (host) => {
        try {
          const { args } = commandOn({ kind: 'ssh', name: 'h', host }, ['true']);
          expect(args[args.indexOf('--') + 1]).toBe(host);
          expect(host).toMatch(/^[A-Za-z0-9_[][\w.:@%[\]+-]*$/);
        } catch (error) {
          expect((error as ProbeError).code).toBe('invalid-argument');
        }
      }),
      runs,
    );
  });

  test('a container is one argument of its tool, whatever it is called', () => {
    fc.assert(
      fc.property(hostile, (container) => {
        const { file, args } = commandOn(
          { kind: 'command', name: container, template: ['docker', 'exec', '-i', container, '{}'] },
          ['sh', '-c', 'true'],
        );
        // no shell of ours takes part: execa hands the words to execve
        expect(file).toBe('docker');
        if (container !== '{}') expect(args).toEqual(['exec', '-i', container, 'sh', '-c', 'true']);
      }),
      runs,
    );
  });
});

test('tags of a recording come back as they were', () => {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-hostile-'));
  const path = join(folder, 'r.probescope');
  const tags = new Map<string, string>();
  const writer = new RecordingWriter(path, {});
  fc.assert(
    fc.property(hostile, (value) => {
      // SQLite's text is UTF-8 and ends at a NUL for some readers: what is no text is no tag
      if (!isWellFormed(value) || value.includes('\0')) return;
      const key = `tag ${tags.size} ${value.slice(0, 50)}`;
      tags.set(key, value);
      writer.setMeta({ [key]: value });
    }),
    runs,
  );
  writer.finish();
  const recording = new Recording(path);
  const meta = recording.meta();
  for (const [key, value] of tags) expect(meta.get(key)).toBe(value);
  recording.close();
  rmSync(folder, { recursive: true });
});
