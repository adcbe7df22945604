import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Btf, BtfKind } from '../../../helper/kernel/btf.ts';
import { BtfPrinter } from '../../../helper/kernel/btf-text.ts';
import { addFunctions } from '../../../helper/kernel/catalog-functions.ts';
import { ProbeError } from '../../../protocol/errors.ts';

type RawType = readonly [
  name: string,
  kind: number,
  members: number,
  size: number,
  ...extra: (number | string)[],
];

/** Puts a BTF file together; texts among the words become offsets into the string section. */
function build(types: readonly RawType[]): Uint8Array {
  let strings = '\0';
  const offsets = new Map([['', 0]]);
  const text = (name: string) => {
    const known = offsets.get(name);
    if (known !== undefined) return known;
    const offset = strings.length;
    offsets.set(name, offset);
    strings += `${name}\0`;
    return offset;
  };
  const words = types.flatMap(([name, kind, members, size, ...extra]) => [
    text(name),
    ((kind << 24) | members) >>> 0,
    size,
    ...extra.map((word) => (typeof word === 'string' ? text(word) : word)),
  ]);
  const body = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => body.writeUInt32LE(word, index * 4));
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  [24, 0, body.length, body.length, strings.length].forEach((value, index) =>
    header.writeUInt32LE(value, 4 + index * 4),
  );
  return Buffer.concat([header, body, Buffer.from(strings, 'latin1')]);
}

const sample = build([
  ['int', BtfKind.int, 0, 4, 0x01000020], // 1
  ['char', BtfKind.int, 0, 1, 8], // 2
  ['', BtfKind.const, 0, 2], // 3
  ['', BtfKind.pointer, 0, 3], // 4 const char *
  ['', BtfKind.array, 0, 0, 2, 1, 16], // 5 char [16]
  ['', BtfKind.pointer, 0, 5], // 6 char (*)[16]
  ['', BtfKind.prototype, 2, 1, 'fmt', 4, '', 0], // 7 int (const char *fmt, ...)
  ['_printk', BtfKind.function, 1, 7], // 8
  ['', BtfKind.pointer, 0, 7], // 9 int (*)(const char *, ...)
  ['file', BtfKind.struct, 1, 8, 'name', 5, 0], // 10
  ['', BtfKind.pointer, 0, 10], // 11
  ['', BtfKind.const, 0, 11], // 12 struct file *const
  ['', BtfKind.prototype, 3, 0, 'f', 12, 'cb', 9, 'buf', 6], // 13
  ['use', BtfKind.function, 0, 13], // 14
  ['big', BtfKind.enum64, 1, 8, 'A', 1, 0], // 15
  ['', BtfKind.array, 0, 0, 4, 1, 16], // 16 const char *[16]
  ['', BtfKind.pointer, 0, 16], // 17
  ['', BtfKind.prototype, 1, 17, '', 2], // 18 with a parameter that has no name
  ['names', BtfKind.function, 0, 18], // 19
]);

/** As the catalog has them. */
function functionsOf(btf: Btf, known: Record<string, string> = {}): Record<string, string> {
  addFunctions(btf, new BtfPrinter(btf), known);
  return known;
}

describe('BTF', () => {
  it('prints declarators as C does', () => {
    const btf = new Btf(sample);
    const printer = new BtfPrinter(btf);
    const prototypes = btf.idsOf(BtfKind.function).map((id) => printer.function(id));
    expect(prototypes).toEqual([
      'int _printk(const char *fmt, ...)',
      'void use(struct file *const f, int (*cb)(const char *fmt, ...), char (*buf)[16])',
      'const char *(*names(char))[16]',
    ]);
    expect(printer.declaration(5, 'comm')).toBe('char comm[16]');
  });

  it('writes functions for the catalog; a prototype that is known stays', () => {
    expect(functionsOf(new Btf(sample), { _printk: '', use: 'int' })).toEqual({
      _printk: 'int;const char *|fmt;...|',
      use: 'int',
      names: 'const char *(*)[16];char|',
    });
  });

  it("continues the kernel's numbers in a module's file", () => {
    const base = new Btf(sample);
    const strings = base.stringEnd;
    const module = Buffer.from(build([['mod_fn', BtfKind.function, 0, 13]]));
    // Names of a module lie behind the kernel's string section.
    module.writeUInt32LE(strings + 1, 24);
    expect(functionsOf(new Btf(module, base))).toEqual({
      mod_fn: 'void;struct file *const|f;int (*)(const char *fmt, ...)|cb;char (*)[16]|buf',
    });
  });

  it('names the place at which a file is malformed', () => {
    const reasons: [Uint8Array, string][] = [
      [new Uint8Array(3), '24 bytes'],
      [new Uint8Array(40), '0xeb9f'],
      [sample.slice(0, 60), 'beyond the file'],
    ];
    for (const [bytes, reason] of reasons)
      expect(() => new Btf(bytes)).toThrow(
        expect.objectContaining({
          code: 'malformed-file',
          message: expect.stringContaining(reason) as unknown,
        }) as Error,
      );
  });

  it('survives flipped bytes: a ProbeError or some text, never a hang', () => {
    fc.assert(
      fc.property(fc.nat(sample.length - 1), fc.nat(255), (at, value) => {
        const bytes = Uint8Array.from(sample);
        bytes[at] = value;
        try {
          functionsOf(new Btf(bytes));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ProbeError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
