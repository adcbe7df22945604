import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { type TestContext, describe, expect, it } from 'vitest';
import { asProblem } from '../../../protocol/errors.ts';
import { Btf, BtfKind } from '../../../helper/kernel/btf.ts';
import { BtfPrinter } from '../../../helper/kernel/btf-text.ts';
import { addFunctions } from '../../../helper/kernel/catalog-functions.ts';
import { formatPrototype } from '../../../protocol/catalog.ts';
import { parseFormat } from '../../../helper/kernel/format.ts';
import { Tracepoints, findTracefs } from '../../../helper/kernel/tracefs.ts';

async function tracepoints(ctx: TestContext): Promise<Tracepoints> {
  try {
    return new Tracepoints((await findTracefs()).root);
  } catch (thrown) {
    return ctx.skip(asProblem(thrown).message);
  }
}

describe('every tracepoint of the running kernel', () => {
  it('is listed, with the fields of its format file', async (ctx) => {
    const source = await tracepoints(ctx);
    const groups = await source.bySubsystem();
    let count = 0;
    for (const [group, names] of groups)
      for (const name of names) {
        const text = readFileSync(join(source.root, 'events', group, name, 'format'), 'utf8');
        const format = parseFormat(text);
        expect(format.unreadable, `${group}:${name}`).toEqual([]);
        expect(format.name).toBe(name);
        // An oracle of its own: each line put together again from what was read.
        const lines = text.split('\n').filter((line) => line.startsWith('\tfield:'));
        const printed = format.fields.map((field) => {
          const dimension = /\[[^\]]*\]$/.exec(field.type)?.[0] ?? '';
          const declared = field.type.startsWith('__data_loc ')
            ? `${field.type} ${field.name}`
            : `${field.type.slice(0, field.type.length - dimension.length)} ${field.name}${dimension}`;
          return `\tfield:${declared};\toffset:${field.offsetBytes};\tsize:${field.sizeBytes};\tsigned:${field.signed ? 1 : 0};`;
        });
        const tidy = (line: string) => line.replace(/\[\] (\w+);/, ' $1[];').replace(/\s+/g, ' ');
        expect(printed.map(tidy), `${group}:${name}`).toEqual(lines.map(tidy));
        count++;
      }
    expect(count).toBeGreaterThan(100);
  });

  it('is a name that perf lists', async (ctx) => {
    const source = await tracepoints(ctx);
    const perf = await execa('perf', ['list', 'tracepoint'], { reject: false, env: { PAGER: 'cat' } });
    if (perf.failed) return ctx.skip('perf is not installed: apt-get install linux-perf');
    const listed = new Set(
      [...perf.stdout.matchAll(/^\s+([\w-]+:[\w.-]+)\s+\[Tracepoint event\]/gm)].map(
        (match) => match[1] ?? '',
      ),
    );
    const ours = [...(await source.bySubsystem())].flatMap(([group, names]) =>
      names.map((name) => `${group}:${name}`),
    );
    expect(ours.filter((name) => !listed.has(name))).toEqual([]);
  });
});

describe('BTF of the running kernel', () => {
  it('gives the prototypes that llvm and the headers know', (ctx) => {
    let bytes: Buffer;
    try {
      bytes = readFileSync('/sys/kernel/btf/vmlinux');
    } catch {
      return ctx.skip('this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)');
    }
    const btf = new Btf(bytes);
    const printer = new BtfPrinter(btf);
    const functions = new Map(btf.idsOf(BtfKind.function).map((id) => [btf.name(id), printer.function(id)]));
    expect(functions.size).toBeGreaterThan(10_000);
    expect(functions.get('vfs_read')).toBe(
      'ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)',
    );
    expect(functions.get('_printk')).toBe('int _printk(const char *fmt, ...)');
    expect(functions.get('call_usermodehelper_setup')).toContain(
      'int (*init)(struct subprocess_info *, struct cred *)',
    );
    // one by one, of the texts of their parts, as another way to the same
    const expected: Record<string, string> = {};
    for (const id of btf.idsOf(BtfKind.function)) {
      const prototype = btf.target(id);
      const parameters = Array.from({ length: btf.memberCount(prototype) }, (_, index) => {
        const type = btf.word(prototype, 4 + index * 2);
        const name = btf.text(btf.word(prototype, 3 + index * 2));
        return { type: type === 0 ? '...' : printer.type(type), name };
      });
      expected[btf.name(id)] ??= formatPrototype({
        returnType: printer.type(btf.target(prototype)),
        parameters,
      });
    }
    const catalog: Record<string, string> = {};
    addFunctions(btf, printer, catalog);
    expect(catalog).toEqual(expected);
  });
});
