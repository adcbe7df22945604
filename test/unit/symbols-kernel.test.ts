import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { JitMap } from '../../helper/symbols/jit-map.ts';
import { KernelSymboliser, KernelSymbols } from '../../helper/symbols/kernel-symbols.ts';
import { vdso } from '../../helper/symbols/vdso.ts';

const text = `0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81001000 t helper
ffffffff81001000 T alias
ffffffff82000000 D some_data
ffffffffc0400000 t nf_hook\t[nf_tables]
`;

describe('KernelSymbols', () => {
  const symbols = new KernelSymbols([Buffer.from(text)]);
  it('finds functions by address and by name, with their modules', () => {
    expect(symbols.find(-0x7f000000 + 5)?.name).toBe('_text');
    expect(symbols.find(-0x7f000000 + 0x1004)?.name).toBe('alias');
    expect(symbols.find(-0x3fc00000)).toEqual({ name: 'nf_hook', address: -0x3fc00000, module: 'nf_tables' });
    expect(symbols.find(-0x7f000001)).toBeUndefined();
    expect(symbols.named('alias')?.address).toBe(-0x7efff000);
    expect(symbols.named('some_data')).toBeUndefined();
  });
  it.each([1, 7, 24, 25, 1000])('reads pieces of %i bytes, and a last line without its end', (size) => {
    const bytes = Buffer.from(text.trimEnd());
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const read = new KernelSymbols(pieces);
    expect(read.count).toBe(4);
    expect(read.find(-0x3fc00000)).toEqual({ name: 'nf_hook', address: -0x3fc00000, module: 'nf_tables' });
  });
  it('tells when addresses are hidden', () => {
    const hidden = new KernelSymbols([Buffer.from(text.replace(/^[0-9a-f]{16}/gm, '0000000000000000'))]);
    expect([hidden.isHidden, hidden.count]).toEqual([true, 0]);
    expect(symbols.isHidden).toBe(false);
  });
  it('names frames without a debug file', async () => {
    const symboliser = new KernelSymboliser(symbols, undefined);
    expect(await symboliser.frames(0xffffffffc0400010n)).toEqual([
      { function: 'nf_hook', module: '[nf_tables]', address: '0xffffffffc0400010' },
    ]);
  });
});

describe('JitMap', () => {
  it('takes the function compiled last, and no bytes behind one', () => {
    const map = new JitMap(
      '7f0010 20 old\n7f0010 10 LazyCompile:~new file.js:1\nbroken line\n7f0100 8 b c\n',
    );
    expect(map.find(0x7f0018)).toBe('LazyCompile:~new file.js:1');
    expect(map.find(0x7f0105)).toBe('b c');
    expect(map.find(0x7f0108)).toBeUndefined();
    expect(map.find(0)).toBeUndefined();
  });
});

describe('vdso', () => {
  it('is read from this very process', async (context) => {
    if (!readFileSync('/proc/self/maps', 'utf8').includes('[vdso]')) context.skip('no vdso here');
    const info = await vdso();
    // `gettimeofday` is a weak alias of `__vdso_gettimeofday`.
    const names = [...(info?.symbols.functions() ?? [])].map(({ name }) =>
      name.replace(/^__(vdso|kernel)_/, ''),
    );
    expect(names).toContain('gettimeofday');
  });
});
