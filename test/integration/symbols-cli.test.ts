// What `resolve`, `symbolize`, `functions`, `usdt` and `logpoint` print for other programs to read, and how they fail: 0 for an answer, 1 where there is
// none, 2 for a command line that makes no sense.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { buildWorkload, programOf } from '../../scripts/workloads.ts';
import { cliBundle, runCli, TracedProgram, whyNoTracing } from './support/traced-program.ts';

const shop = programOf('shop');
const hex: unknown = expect.stringMatching(/^0x[0-9a-f]+$/);
const sourceOf = (name: string): unknown => expect.stringMatching(new RegExp(`test/workloads/shop/${name}$`));
const bytes: unknown = expect.stringMatching(/^[0-9a-f]+$/);
const text: unknown = expect.any(String);
const count: unknown = expect.any(Number);

const undo: (() => unknown)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});
let folder = '';
beforeAll(() => {
  buildWorkload('shop');
  folder = mkdtempSync(join(tmpdir(), 'probescope-cli-'));
  writeFileSync(join(folder, 'text'), 'not a program\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function json(...args: readonly string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await runCli([...args, '--json']).ended;
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as unknown;
}

describe('--json', () => {
  test('resolve FUNCTION: each body with its variables', async () => {
    const answers = (await json('resolve', shop, 'db_query')) as {
      sites: { address: string; variables: unknown[] }[];
    }[];
    expect(answers).toEqual([
      {
        function: 'db_query',
        file: sourceOf('db.c'),
        line: 33,
        sites: [
          {
            kind: 'entry',
            address: hex,
            fileOffset: hex,
            symbol: 'db_query',
            variables: expect.any(Array) as unknown,
          },
        ],
        probed: 1,
        refused: [],
      },
    ]);
    const variables = answers[0]?.sites[0]?.variables ?? [];
    expect(variables.slice(0, 3)).toEqual([
      { name: 'key', kind: 'parameter', type: 'uint32_t', location: bytes, place: 'in %rdi' },
      { name: 'value', kind: 'parameter', type: 'char *', location: bytes, place: 'in %rsi' },
      { name: 'size', kind: 'parameter', type: 'int', location: bytes, place: 'in %rdx' },
    ]);
    expect(variables).toContainEqual({
      name: 'start',
      kind: 'local',
      type: 'uint64_t',
      optimisedOut: true,
      aliveAtLines: expect.arrayContaining([count]) as unknown,
    });
  });

  test('resolve FUNCTION: copies name the function that they are in, and where they are called', async () => {
    const [answer] = (await json('resolve', shop, 'latency_of')) as { sites: unknown[] }[];
    expect(answer?.sites).toEqual([
      {
        kind: 'inlined',
        address: hex,
        fileOffset: hex,
        file: sourceOf('db.c'),
        line: 20,
        column: count,
        in: text,
        variables: expect.any(Array) as unknown,
      },
    ]);
  });

  test('resolve FILE:LINE, and a line without code: the nearest one that has', async () => {
    const site = { kind: 'line', address: hex, fileOffset: hex, file: sourceOf('db.c'), column: count };
    const variables: unknown = expect.any(Array);
    expect(await json('resolve', shop, 'db.c:35')).toEqual([
      {
        file: sourceOf('db.c'),
        line: 35,
        moved: false,
        sites: [{ ...site, line: 35, in: 'db_query', variables }],
      },
    ]);
    const moved = { file: sourceOf('db.c'), line: 9, moved: true };
    expect(await json('resolve', shop, 'db.c:1')).toMatchObject([{ ...moved, sites: [{ line: 9 }] }]);
    const { stdout } = await runCli(['resolve', shop, 'db.c:1']).ended;
    expect(stdout).toMatch(/db\.c:9 \(the line asked for has no code\)/);
  });

  test('resolve FILE:LINE:COLUMN: what begins there, or last before it, and says so', async () => {
    const [line] = (await json('resolve', shop, 'db.c:35')) as { sites: { column: number }[] }[];
    const column = line?.sites[0]?.column ?? 0;
    expect(await json('resolve', shop, `db.c:35:${column}`)).toMatchObject([{ sites: [{ column }] }]);
    const { exitCode, stdout, stderr } = await runCli(['resolve', shop, 'db.c:35:200']).ended;
    expect(stderr).toMatch(/no code begins at column 200 of line 35: column \d+ is taken/);
    expect(stdout).toMatch(/line 0x[0-9a-f]+ in db_query/);
    expect(exitCode).toBe(0);
  });

  test('resolve: a symbol that no debug information describes, a resolver that is not probed, and a tail call', async () => {
    const program = join(folder, 'kinds');
    writeFileSync(
      join(folder, 'kinds.c'),
      `__asm__(".globl by_hand\\n.type by_hand, @function\\nby_hand: ret\\n.size by_hand, .-by_hand");
static int one(int x) { return x + 1; } static int two(int x) { return x + 2; }
static int (*pick(void))(int) { return __builtin_cpu_supports("sse2") ? one : two; }
int chosen(int) __attribute__((ifunc("pick")));
__attribute__((noinline)) int callee(int x) { return x * 2; }
__attribute__((noinline)) int jumps(int x) { for (int i = 0; i < x; i++) __asm__ volatile(""); return callee(x + 1); }
int main(int c, char **v) { return jumps(c) + chosen(c); }`,
    );
    expect(spawnSync('gcc', ['-g', '-O2', '-o', program, join(folder, 'kinds.c')]).status).toBe(0);
    expect(await json('resolve', program, 'by_hand')).toMatchObject([
      { function: 'by_hand', sites: [{ kind: 'entry', symbol: 'by_hand' }], refused: [] },
    ]);
    const { stdout } = await runCli(['resolve', program, 'chosen']).ended;
    expect(stdout).toMatch(/ifunc-target 0x[0-9a-f]+ one\n/);
    expect(stdout).toMatch(/2 of 3 sites can be probed\n +not: chosen is a resolver: it runs once/);
    expect(await json('resolve', program, 'jumps')).toMatchObject([{ tailCalls: [hex] }]);
    expect(await json('functions', program, '--match', 'by_hand|jumps')).toMatchObject([
      { name: 'by_hand', bodies: [{ symbol: 'by_hand' }] },
      { name: 'jumps', line: 6 },
    ]);
  });

  test('resolve: the variables of the line, not of a call that is inlined into its first instruction; a path seen from elsewhere', async () => {
    const source = join(folder, 'inner.cpp');
    writeFileSync(
      source,
      `struct List { int *first, *last; long size() const { return last - first; } };
__attribute__((noinline)) long add(const List &list, long n) {
  return list.size() + n;
}
int main(int c, char **v) { int a[3] = {}; return add({a, a + 3}, c); }`,
    );
    const program = join(folder, 'inner');
    expect(spawnSync('g++', ['-g', '-O2', '-o', program, source]).status).toBe(0);
    expect(await json('resolve', program, `../${basename(folder)}/inner.cpp:3`)).toMatchObject([
      { line: 3, sites: [{ in: 'add(List const&, long)', variables: [{ name: 'list' }, { name: 'n' }] }] },
    ]);
  });

  test('functions: none that the linker left out, whose description stays', async () => {
    const program = join(folder, 'left-out');
    writeFileSync(
      join(folder, 'left-out.c'),
      'int unused(int x) { return x; }\nint used(int x) { return x * 2; }\nint main(int c, char **v) { return used(c); }\n',
    );
    const options = ['-g', '-O0', '-ffunction-sections', '-Wl,--gc-sections'];
    expect(spawnSync('gcc', [...options, '-o', program, join(folder, 'left-out.c')]).status).toBe(0);
    expect(await json('functions', program, '--match', 'used$')).toMatchObject([{ name: 'used' }]);
    expect((await runCli(['resolve', program, 'unused']).ended).exitCode).toBe(1);
  });

  test('resolve: a name with its parameters is one overload', async () => {
    buildWorkload('shapes');
    const shapes = programOf('shapes');
    expect(await json('resolve', shapes, 'geo::scale')).toHaveLength(3);
    expect(await json('resolve', shapes, 'geo::scale(double, double)')).toMatchObject([
      { function: 'geo::scale(double, double)', sites: [{ kind: 'entry' }] },
    ]);
  });

  test('symbolize: in input order, inlined frames innermost first, unknown addresses too', async () => {
    const [copy] = (await json('resolve', shop, 'latency_of')) as { sites: { address: string }[] }[];
    const inside = copy?.sites[0]?.address ?? '';
    const frame = { function: text, file: text, line: count, column: count, inlined: false };
    expect(await json('symbolize', shop, inside, '0x10', inside)).toEqual([
      {
        address: inside,
        frames: [
          { ...frame, function: 'latency_of', file: sourceOf('db.c'), inlined: true },
          { ...frame, file: sourceOf('db.c') },
        ],
      },
      { address: '0x10', frames: [{ function: '??', file: '??', line: 0, column: 0, inlined: false }] },
      { address: inside, frames: [expect.objectContaining({ inlined: true }), expect.anything()] },
    ]);
  });

  test('functions: bodies, and how many copies', async () => {
    expect(await json('functions', shop, '--match', '^(db_query|latency_of)$')).toEqual([
      {
        name: 'db_query',
        shortName: 'db_query',
        file: sourceOf('db.c'),
        line: 33,
        bodies: [{ address: hex, symbol: 'db_query' }],
        inlinedCopies: 0,
      },
      {
        name: 'latency_of',
        shortName: 'latency_of',
        file: sourceOf('db.c'),
        line: 9,
        bodies: [],
        inlinedCopies: 1,
      },
    ]);
  });

  test('usdt: each site with its arguments', async () => {
    const probes = (await json('usdt', shop)) as { name: string }[];
    expect(new Set(probes.map(({ name }) => name))).toEqual(
      new Set(['request__start', 'request__done', 'cache__hit', 'cache__miss']),
    );
    for (const probe of probes)
      expect(probe).toMatchObject({
        binary: shop,
        provider: 'shop',
        name: text,
        address: hex,
        fileOffset: hex,
      });
    expect(probes.find(({ name }) => name === 'cache__hit')).toMatchObject({
      arguments: [{ size: 4, type: 'u32', text: text, operand: expect.anything() as unknown }],
    });
  });

  const reason = whyNoTracing();
  test('logpoint: a process that is gone ends the command, and leaves no root-side process', async (context) => {
    if (reason !== undefined) context.skip(reason);
    const { exitCode, stderr } = await runCli([
      'logpoint',
      ...['--binary', shop, '--pid', '4194303', '--at', 'db.c:35', '--duration', '60s'],
      'key={key}',
    ]).ended;
    expect(stderr).toMatch(/Process 4194303 does not exist any more\.\n.*Choose the process again/);
    expect(exitCode).toBe(1);
  });

  test('logpoint: a line a value, and the counts at the end', async (context) => {
    if (reason !== undefined) context.skip(reason);
    const program = await TracedProgram.start('shop', ['--threads', '1', '--requests', '3']);
    undo.push(() => program.end());
    const cli = runCli([
      'logpoint',
      ...['--binary', shop, '--pid', String(program.pid), '--at', 'db.c:35', '--duration', '60s', '--json'],
      'key={key}',
    ]);
    await cli.attached;
    program.go();
    const own = (await program.figures())['db_query']?.count;
    cli.child.kill('SIGINT');
    const { exitCode, stdout } = await cli.ended;
    expect(exitCode).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const end = lines.pop();
    expect(end).toEqual({
      type: 'end',
      end: text,
      counts: { hits: own, delivered: own, suppressed: 0, lost: 0, unreadable: 0 },
    });
    expect(lines).toHaveLength(own ?? -1);
    for (const line of lines)
      expect(line).toEqual({
        type: 'value',
        sequence: count,
        monotonicNs: count,
        wallClockMs: count,
        tid: count,
        pid: program.pid,
        text: expect.stringMatching(/^key=\d+$/) as unknown,
        values: { key: count },
      });
  });
});

describe('bad input', () => {
  const commands = {
    resolve: (binary: string) => ['resolve', binary, 'main', '--json'],
    symbolize: (binary: string) => ['symbolize', binary, '0x1', '--json'],
    functions: (binary: string) => ['functions', binary, '--json'],
    usdt: (binary: string) => ['usdt', binary, '--json'],
    logpoint: (binary: string) => ['logpoint', '--binary', binary, '--at', 'db.c:35', 'x', '--json'],
  } as const;

  test.each(Object.entries(commands))('%s: no such file, no program, no arguments', async (name, on) => {
    const failure = async (args: readonly string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await runCli(args).ended;
      expect(stdout).toBe('');
      return `${exitCode} ${stderr}`;
    };
    const missing = join(folder, 'missing');
    expect(await failure(on(missing))).toBe(
      `1 probescope ${name}: ${missing} does not exist.\n  Check the path; in a container it is below /proc/PID/root.\n`,
    );
    const noProgram = join(folder, 'text');
    expect(await failure(on(noProgram))).toBe(
      `1 probescope ${name}: ${noProgram} is not an ELF file.\n  Give the path of a program, a shared library, a kernel module or a debug file.\n`,
    );
    expect(await failure([name])).toMatch(
      new RegExp(`^2 probescope ${name}: .+\\n\\nusage: probescope ${name} `),
    );
    expect(await failure([...on(shop), '--no-such-option'])).toMatch(/^2 /);
  });

  test.each([
    [['resolve', shop, 'no_such_function'], 1, /There is no function no_such_function in /],
    [['resolve', shop, 'db_qery'], 1, /no function db_qery in [^]*Similar names: db_query/],
    [['resolve', shop, 'db.c:0'], 2, /db\.c:0 is no place: lines count from 1/],
    [['resolve', shop, 'nowhere.c:3'], 1, /No unit of this binary was compiled from nowhere\.c\.\n/],
    [['symbolize', shop, 'here'], 2, /here is not an address: write 0x/],
    [['functions', shop, '--match', '('], 2, /--match: Invalid regular expression/],
    [['functions', shop, '--match', '^no_such$', '--json'], 1, /^$/],
    [['usdt', '/bin/true'], 1, /there are no USDT probes/],
    [['usdt', '--pid', '4194303'], 1, /4194303/],
    [['logpoint', '--binary', shop, '--at', 'nowhere.c:3', 'x'], 1, /No unit .* compiled from nowhere\.c/],
    [
      ['logpoint', '--binary', shop, '--at', 'db.c:35', '{no_such}'],
      1,
      /no variable no_such[^]*In scope: key/,
    ],
    [['logpoint', '--binary', shop, '--at', 'db.c', 'x'], 2, /FILE:LINE/],
    [['logpoint', '--binary', shop, '--at', 'db.c:35', ' '], 2, /give one text/],
    [['logpoint', '--binary', shop, '--at', 'db.c:35', 'x', '--duration', '0'], 2, /0 is no time at all/],
    [['logpoint', '--binary', shop, '--at', 'db.c:35', 'x', '--if', 'key = 1'], 1, /Write == to compare/],
    [['usdt', shop, '--pid', '1'], 2, /give a binary or --pid, not both/],
  ] as const)('%j', async (args, wanted, said) => {
    const { exitCode, stderr } = await runCli(args).ended;
    expect(stderr).toMatch(said);
    expect(exitCode).toBe(wanted);
  });

  test('symbolize: what is no address in the input is told by its line, and printed without its control characters', () => {
    const input = `0x10\r\n\n \x1b[31mred${'x'.repeat(100)}\n`;
    const { status, stdout, stderr } = spawnSync(process.execPath, [cliBundle, 'symbolize', shop, '-'], {
      input,
      encoding: 'utf8',
    });
    expect(stderr).toBe(
      `probescope symbolize: Line 3 of the input is no address: "\\u001b[31mred${'x'.repeat(32)}"….\n  Write one address a line, as 0x401136.\n`,
    );
    expect([status, stdout]).toEqual([1, '']);
  });

  test('a .dwo that is not there: what stays is answered, and what is missing is said', async () => {
    const program = join(folder, 'split');
    writeFileSync(
      join(folder, 'split.c'),
      'int twice(int x) { return x * 2; }\nint main(int c, char **v) { return twice(c); }\n',
    );
    const options = ['-g', '-gsplit-dwarf', '-O1', '-fno-inline'];
    expect(spawnSync('gcc', [...options, '-o', program, 'split.c'], { cwd: folder }).status).toBe(0);
    expect(await json('resolve', program, 'twice')).toMatchObject([
      { line: 1, sites: [{ variables: [{ name: 'x' }] }] },
    ]);
    for (const name of readdirSync(folder)) if (name.endsWith('.dwo')) rmSync(join(folder, name));
    const said = /the debug information of some units is in \S+\.dwo, found nowhere: .*beside the binary/;
    for (const args of [
      ['resolve', program, 'twice'],
      ['functions', program, '--match', 'twice'],
      ['resolve', program, 'split.c:1'],
    ]) {
      const { exitCode, stdout, stderr } = await runCli(args).ended;
      expect(stdout).toMatch(/twice/);
      expect(stderr).toMatch(said);
      expect(exitCode).toBe(0);
    }
    rmSync(join(folder, 'split.c'));
    expect((await runCli(['resolve', program, 'split.c:1']).ended).stderr).toMatch(
      /split\.c is not on this machine: whether it was changed since the build cannot be told/,
    );
  });

  test('a program without debug information: its functions are its symbols, and lines are refused with the remedy', async () => {
    const stripped = join(folder, 'stripped');
    expect(spawnSync('strip', ['--strip-debug', '-o', stripped, shop]).status).toBe(0);
    const listed = await runCli(['functions', stripped, '--match', '^db_query$', '--json']).ended;
    expect(listed.stderr).toBe(
      `probescope functions: ${stripped} has no debug information; these are its symbols\n`,
    );
    expect(JSON.parse(listed.stdout)).toEqual([
      {
        name: 'db_query',
        shortName: 'db_query',
        bodies: [{ address: hex, symbol: 'db_query' }],
        inlinedCopies: 0,
      },
    ]);
    const { exitCode, stderr } = await runCli(['resolve', stripped, 'db.c:35']).ended;
    expect(stderr).toMatch(/debug information/);
    expect(exitCode).toBe(1);
  });
});
