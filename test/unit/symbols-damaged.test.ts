import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ElfFile } from '../../helper/symbols/elf.ts';
import { exercise } from '../support/exercise-symbols.ts';

const folder = join(import.meta.dirname, '../fixtures/symbols');
const names = ['tiny-gcc-dwarf5', 'tiny-clang-dwarf5', 'tiny-clang-dwarf4', 'tiny-gcc-dwarf2'];
const files = new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));

/** Every byte with FUZZ=all (`npm run fuzz:symbols`); else each fortieth, another one in each file. */
const step = process.env['FUZZ'] === 'all' ? 1 : 40;
const runs = process.env['FUZZ'] === 'all' ? 10_000 : 60;

describe('damaged files', () => {
  it.each(names)(
    '%s with single bytes changed: an answer or a ProbeError that tells where',
    async (name) => {
      const original = files.get(name)!;
      for (let at = names.indexOf(name); at < original.length; at += step) {
        const bytes = original.slice();
        bytes[at]! ^= 0xff;
        for (const { code, message } of await exercise(bytes)) {
          if (code === 'malformed-file') expect(message).toMatch(/\(.+, offset 0x[0-9a-f]+\)/);
        }
      }
    },
    600_000,
  );

  it('a line program that claims 2 GB takes no memory for them', async () => {
    const bytes = files.get('tiny-gcc-dwarf5')!.slice();
    const line = ElfFile.fromBytes('damaged', bytes).section('.debug_line')!;
    bytes[line.offset + 3] = 0x7f;
    const refused = await exercise(bytes);
    expect(refused.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('a line program that ends outside its section (.debug_line, offset 0x'),
    );
  });

  it.each([4403, 4526])(
    'an entry whose indexed values lie behind its unit is told with its own offset (byte %i changed)',
    async (at) => {
      const bytes = files.get('tiny-clang-dwarf5')!.slice();
      bytes[at]! ^= 0xff;
      const messages = (await exercise(bytes)).map(({ message }) => message);
      expect(messages).toContainEqual(
        expect.stringMatching(/cut off in the middle of a value \(\.debug_info, offset 0x[0-9a-f]+\)/),
      );
      expect(messages.join()).not.toContain('NaN');
    },
  );

  it('with random changes and cuts', async () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), damage, fc.option(fc.nat()), async (name, changes, cut) => {
        const original = files.get(name)!;
        const bytes = original.slice(0, cut === null ? undefined : cut % original.length);
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        await exercise(bytes);
      }),
      { numRuns: runs },
    );
  }, 600_000);
});
