import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogpointSpec, LogValue } from '../../protocol/logpoint.ts';
import type { LogpointOutcome } from '../../helper/logpoints/logpoint.ts';
import { Logpoints } from '../../helper/logpoints/run.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';

const cSource = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum color { RED, GREEN = 5, BLUE };
struct header { int len; char kind; const char *name; unsigned low : 3, high : 5; };
struct request { long id; struct header header; struct request *next; double weight; enum color color; short parts[4]; _Bool last; char tag[8]; };
long total;
__attribute__((noinline)) long handle(struct request *r, int n, const char *text) {
  long local = r->header.len * (long)n;
  __asm__ volatile("" ::: "memory");
  total += local + (long)strlen(text); // HERE
  return local + 1;
}
int main(int argc, char **argv) {
  long count = atol(argv[1]), sum = 0;
  struct request second = {.id = 7, .header = {9, 'z', "second", 5, 9}};
  getchar();
  for (long i = 0; i < count; i++) {
    struct request r = {i, {(int)i - 50, 'a' + i % 26, i % 3 ? "odd" : "third", i & 7, i & 31}, i % 2 ? &second : 0, i / 4.0, i % 2 ? GREEN : BLUE, {i, -i, 3, 4}, i == 3, "tag"};
    if (argc > 2) printf("%ld %d %c %s %d %d %ld %.17g %d %d\\n", r.id, r.header.len, r.header.kind, r.header.name, (int)(i % 7), r.header.low, total, r.weight, r.parts[1], (int)r.last);
    sum += handle(&r, (int)(i % 7), "text");
  }
  fprintf(stderr, "%ld", sum);
}
`;
const hereLine = cSource.split('\n').findIndex((line) => line.includes('HERE')) + 1;

let folder: string;
let program: string;
let logpoints: Logpoints;
const token = (): string[] => [
  ...readFileSync('/sys/kernel/tracing/uprobe_events', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder)),
  ...readdirSync('/sys/kernel/tracing/instances').filter(
    (name) => name.startsWith('probescope_') && ownedByUs(name),
  ),
];

/** The supervisor of an instance is our child's child. */
function ownedByUs(instance: string): boolean {
  try {
    const parent = (pid: string): string =>
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/.*\) \S /s, '')
        .split(' ')[0] ?? '';
    return parent(parent(instance.split('_')[2] ?? '')) === String(process.pid);
  } catch {
    return false;
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-logpoint-'));
  program = join(folder, 'program');
  writeFileSync(join(folder, 'program.c'), cSource);
  spawnSync('gcc', ['-g', '-O2', '-o', program, join(folder, 'program.c')], { stdio: 'inherit' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  logpoints = new Logpoints({ open: (binary) => DebugInfo.open(binary), elevate: () => Promise.resolve([]) });
});
afterEach(async () => {
  await logpoints.close();
  expect(token()).toEqual([]);
});

interface Traced {
  readonly values: LogValue[];
  readonly outcome: LogpointOutcome;
  readonly output: string;
}

/** Attaches, lets the program run, and gives every value and all that the program printed. */
async function trace(
  spec: Partial<LogpointSpec> & { template: string },
  command: string[] = [program, '5'],
): Promise<Traced> {
  const [path = program, ...args] = command;
  const child: ChildProcess = spawn(path, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  let output = '';
  child.stdout?.on('data', (text) => (output += String(text)));
  const values: LogValue[] = [];
  let settle: (outcome: LogpointOutcome) => void = () => undefined;
  const ended = new Promise<LogpointOutcome>((resolve) => (settle = resolve));
  await delay(50);
  await logpoints.add(
    {
      id: 'one',
      binary: path,
      file: 'program.c',
      line: hereLine,
      ...(child.pid === undefined ? {} : { pid: child.pid }),
      ...spec,
    },
    { value: (value) => values.push(value), ended: settle },
  );
  child.stdin?.end('\n');
  await new Promise((resolve) => child.on('close', resolve));
  if (spec.hitLimit === undefined) await logpoints.remove('one');
  return { values, outcome: await ended, output };
}

describe.skipIf(process.getuid?.() !== 0)('logpoints (need root)', () => {
  it("values equal the program's own log over 100,000 hits", async () => {
    const { values, outcome, output } = await trace(
      {
        template:
          '{r->id} {r->header.len} {(int)r->header.kind:c} {r->header.name} {n} {r->header.low} {total} {r->weight} {r->parts[1]} {r->last:d}',
      },
      [program, '100000', 'log'],
    );
    expect(outcome.counts).toEqual({
      hits: 100_000,
      delivered: 100_000,
      suppressed: 0,
      lost: 0,
      unreadable: 0,
    });
    const own = output.trim().split('\n');
    const ours = values.map(({ text }) => text.replaceAll(/["']/g, ''));
    expect(own).toHaveLength(100_000);
    const asPrinted = (line: string): string =>
      line.replace(
        / (\d+\.?\d*(?:e\+\d+)?) (-?\d+) (\d)$/,
        (_, weight, part, last) => ` ${Number(weight)} ${part} ${last}`,
      );
    expect(ours.map(asPrinted)).toEqual(own.map(asPrinted));
  });

  it('shows structs, enums, bit fields, arrays, slices, arithmetic and globals', async () => {
    const { values } = await trace({
      template:
        '{*r} | {r->color} {r->parts[0..2]} {r->parts[1]} {r->tag} {r->id * 2 + n} {r->header.len < 0} {sizeof(struct request)} {total} {&r->id == r} {(unsigned char)r->header.len:x} {text[0..2]}',
    });
    expect(values[3]?.text).toBe(
      `{id=3, header={len=-47, kind='d', name="third", low=3, high=3}, next=${values[3]?.text.match(/next=(\S+),/)?.[1]}, weight=0.75, color=GREEN, parts=[3, -3, 3, 4], last=true, tag="tag"}` +
        ` | GREEN [3, -3] -3 "tag" 9 1 72 ${values[3]?.text.match(/ 72 (-?\d+)/)?.[1]} 1 0xd1 "te"`,
    );
    expect(values[2]?.text).toContain('next=0x0');
  });

  it('says that memory cannot be read instead of showing what lay in the buffer', async () => {
    const { values } = await trace({ template: '{r->next->id} {r->next->header.name} {*r->next}' });
    expect(values[1]?.text).toMatch(/^7 "second" \{id=7/);
    expect(values[2]?.text).toMatch(
      /^<unreadable> <unreadable> \{id=<unreadable>, header=\{len=<unreadable>/,
    );
    expect(values[2]?.values['r->next->id']).toBeNull();
  });

  it('obeys condition, hit limit and rate limit, and counts what it left out', async () => {
    const { values, outcome } = await trace(
      { template: '{r->id}', condition: 'r->id % 10 == 3 && n < 100', hitLimit: 4 },
      [program, '1000'],
    );
    expect(values.map(({ text }) => text)).toEqual(['3', '13', '23', '33']);
    expect(outcome.end).toBe('hit-limit');
    const text = await trace(
      { id: 'two', template: '{r->id}', condition: 'r->header.name == "third" && r->header.len >= -50' },
      [program, '7'],
    ).catch((error: unknown) => error);
    expect(text).toBeInstanceOf(Error);
  });

  it('compares texts and filters in the kernel', async () => {
    const { values, outcome } = await trace(
      { template: '{r->id}', condition: 'r->header.name == "third" && r->header.len >= -47' },
      [program, '10'],
    );
    expect(values.map(({ text }) => text)).toEqual(['3', '6', '9']);
    expect(outcome.counts.hits).toBe(10);
  });

  it('limits the rate', async () => {
    const { values, outcome } = await trace({ template: '{r->id}', rateLimitHz: 10 }, [program, '2000']);
    expect(values.length + outcome.counts.suppressed).toBe(2000);
    expect(values.length).toBeLessThanOrEqual(20);
  });

  it('attaches nothing and says where when an expression is wrong', async () => {
    const problems = async (template: string, condition?: string) => {
      const plan = await logpoints.plan({
        binary: program,
        file: 'program.c',
        line: hereLine,
        template,
        ...(condition === undefined ? {} : { condition }),
      });
      return plan.problems.map(({ field, start, end, code }) => `${field} ${start}-${end} ${code}`);
    };
    expect(await problems('x {r->idd}')).toEqual(['template 6-9 variable-not-found']);
    expect(await problems('x {nope + 1}')).toEqual(['template 3-7 variable-not-found']);
    expect(await problems('x {r->}')).toEqual(['template 6-6 expression-unsupported']);
    expect(await problems('x', 'n ==')).toEqual(['condition 4-4 expression-unsupported']);
    expect(await problems('x', 'm == 1')).toEqual(['condition 0-1 variable-not-found']);
    expect(await problems('{r->parts[4]}')).toEqual(['template 1-12 expression-unsupported']);
    expect(await problems('{r->parts[n]}')).toEqual(['template 1-12 expression-unsupported']);
  });

  it('says so when what is wrong is wrong at another line than the one asked for', async () => {
    const last = cSource.split('\n').length + 50;
    await expect(trace({ template: '{no_such}', line: last })).rejects.toThrow(
      new RegExp(
        `^Line ${last} has no code, and at line \\d+, the nearest that has: There is no variable no_such`,
      ),
    );
  });

  it('knows the name of a thread that the kernel has not remembered', async () => {
    const { values } = await trace({ template: '{$comm}' }, [program, '3']);
    expect(values.map(({ text }) => text)).toEqual(['program', 'program', 'program']);
  });

  it('says where a variable that was optimised out is alive', async () => {
    const source = `int sink; __attribute__((noinline)) int f(int a) {\n  int b = a * 3;\n  sink = b;\n  sink = 0;\n  sink = 1;\n  return 4;\n}\nint main(int c, char **v) { return f(c); }\n`;
    writeFileSync(join(folder, 'gone.c'), source);
    spawnSync('gcc', ['-g', '-O2', '-o', join(folder, 'gone'), join(folder, 'gone.c')]);
    const plan = await logpoints.plan({
      binary: join(folder, 'gone'),
      file: 'gone.c',
      line: 7,
      template: '{v} {c} {nothing}',
    });
    expect(plan.problems[0]?.message).toBe('There is no variable nothing in scope here.');
  });

  it('takes the nearest line with code and says that the source is newer than the binary', async () => {
    const plan = await logpoints.plan({
      binary: program,
      file: 'program.c',
      line: 7,
      template: 'x',
    });
    expect(plan).toMatchObject({ moved: true, place: { line: 8 }, stale: false });
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(folder, 'program.c'), later, later);
    expect(
      (await logpoints.plan({ binary: program, file: 'program.c', line: hereLine, template: 'x' })).stale,
    ).toBe(true);
  });

  it('reads strings and vectors of C++', async (ctx) => {
    const source = `#include <string>\n#include <string_view>\n#include <vector>\n#include <cstdio>\n#include <memory>\nstruct Base { int base = 4; };\nstruct Box : Base { std::unique_ptr<Base> own; std::shared_ptr<Base> shared; std::string name; std::vector<int> items; std::string_view view; int area(int by);  };\n__attribute__((noinline)) int Box::area(int by) {\n  int result = (int)items.size() * by;\n  asm volatile("" ::: "memory");\n  return result + base; // HERE\n}\n__attribute__((noinline)) int use(const std::string &text, std::vector<std::string> &all) { return (int)(text.size() + all.size()); }\nint main() { Box box; box.name = "short"; box.items = {1, 2, 3}; box.view = "looked at"; box.own = std::make_unique<Base>(Base{7}); box.shared = std::make_shared<Base>(Base{8}); std::vector<std::string> all{"one", std::string(300, 'x')}; getchar(); return box.area(5) + use(all[1], all); }\n`;
    writeFileSync(join(folder, 'boxes.cpp'), source);
    const path = join(folder, 'boxes');
    if (spawnSync('g++', ['-g', '-O2', '-o', path, join(folder, 'boxes.cpp')]).error)
      return ctx.skip('g++ is not installed');
    const line = source.split('\n').findIndex((text) => text.includes('HERE')) + 1;
    const { values } = await trace(
      {
        template: '{name} {items} {items.size} {items[1]} {view} {base} {this->name.size} {by}',
        file: 'boxes.cpp',
        line: line - 2,
      },
      [path],
    );
    expect(values.map(({ text }) => text)).toEqual(['"short" [1, 2, 3] 3 2 "looked at" 4 5 5']);
    const second = await trace(
      { template: '{text} {all} {all[0]} {all.size()}', file: 'boxes.cpp', line: line + 2 },
      [path],
    );
    expect(second.values[0]?.text).toBe(`"${'x'.repeat(128)}"… ["one", "${'x'.repeat(128)}"…] "one" 2`);
    const third = await trace(
      {
        template: '{own->base} {(*shared).base} {own}',
        condition: 'own && items.size() == 3',
        file: 'boxes.cpp',
        line: line - 2,
      },
      [path],
    );
    expect(third.values[0]?.text).toMatch(/^7 8 0x[0-9a-f]+$/);
  });

  it('reads strings and slices of Rust', async (ctx) => {
    const source = `pub struct Item { pub name: String, pub size: u32 }\n#[inline(never)]\nfn look(text: &str, items: &Vec<u32>, part: &[u16], item: &Item) -> usize {\n    text.len() + items.len() + part.len() + item.size as usize\n}\nfn main() {\n    let mut line = String::new();\n    std::io::stdin().read_line(&mut line).unwrap();\n    let items = vec![7u32, 8, 9];\n    let item = Item { name: String::from("owned"), size: 3 };\n    println!("{}", look("borrowed", &items, &[5u16, 6], &item) + item.name.len());\n}\n`;
    writeFileSync(join(folder, 'look.rs'), source);
    const path = join(folder, 'look');
    const built = spawnSync('rustc', ['-g', '-C', 'opt-level=0', '-o', path, join(folder, 'look.rs')], {
      stdio: 'ignore',
    });
    if (built.status !== 0) return ctx.skip('rustc is not installed');
    const { values } = await trace(
      { template: '{text} {items} {part} {item.name} {item.size}', file: 'look.rs', line: 4 },
      [path],
    );
    expect(values[0]?.text).toBe('"borrowed" [7, 8, 9] [5, 6] "owned" 3');
  });

  it('reads enums of Rust: the case that is there, with its fields', async (ctx) => {
    const source = `pub enum Shape { Circle(f64), Rect { w: u32, h: u32 }, Empty }
pub struct Order { shape: Shape, name: Option<String>, next: Option<Box<u32>>, level: Result<u8, i64> }
#[inline(never)]
fn look(order: &Order) -> usize {
    order.name.as_ref().map_or(0, |name| name.len())
}
fn main() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let orders = [
        Order { shape: Shape::Circle(1.5), name: Some(String::from("full")), next: None, level: Ok(3) },
        Order { shape: Shape::Rect { w: 3, h: 4 }, name: None, next: Some(Box::new(1)), level: Err(-2) },
        Order { shape: Shape::Empty, name: None, next: None, level: Ok(0) },
    ];
    println!("{}", orders.iter().map(look).sum::<usize>());
}
`;
    writeFileSync(join(folder, 'enums.rs'), source);
    const path = join(folder, 'enums');
    const built = spawnSync('rustc', ['-g', '-C', 'opt-level=0', '-o', path, join(folder, 'enums.rs')], {
      stdio: 'ignore',
    });
    if (built.status !== 0) return ctx.skip('rustc is not installed');
    const { values } = await trace(
      { template: '{order.shape} {order.name} {order.next} {order.level}', file: 'enums.rs', line: 5 },
      [path],
    );
    expect(values.map(({ text }) => text)).toEqual([
      'Circle(1.5) Some("full") None Ok(3)',
      expect.stringMatching(/^Rect \{w=3, h=4\} None Some\(0x[0-9a-f]+\) Err\(-2\)$/),
      'Empty None None Ok(0)',
    ]);
    expect(values[1]?.values).toMatchObject({
      'order.shape': { Rect: { w: 3, h: 4 } },
      'order.name': 'None',
    });
  });

  it('reads strings and slices of Go', async (ctx) => {
    const source = `package main\n\nimport "fmt"\n\ntype item struct { name string; sizes []int }\n\n//go:noinline\nfunc look(text string, it *item, n int) int {\n\treturn len(text) + len(it.sizes) + n\n}\n\nfunc main() {\n\tvar line string\n\tfmt.Scanln(&line)\n\tfmt.Println(look("gopher", &item{"thing", []int{4, 5}}, 6))\n}\n`;
    writeFileSync(join(folder, 'look.go'), source);
    const path = join(folder, 'golook');
    const built = spawnSync('go', ['build', '-o', path, join(folder, 'look.go')], {
      env: { ...process.env, GOCACHE: join(folder, 'cache'), GO111MODULE: 'off' },
      stdio: 'ignore',
    });
    if (built.status !== 0) return ctx.skip('go is not installed');
    const { values } = await trace(
      { template: '{text} {it.name} {it.sizes} {n} {len(text)}', file: 'look.go', line: 8 },
      [path],
    );
    expect(values[0]?.text).toBe('"gopher" "thing" [4, 5] 6 6');
  });
});
