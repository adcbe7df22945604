import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ElfFile } from '../../helper/symbols/elf.ts';
import type { InstructionClass } from '../../helper/symbols/instructions/instruction.ts';
import { decodeX86 } from '../../helper/symbols/instructions/x86.ts';

interface Line {
  readonly address: number;
  readonly lengthBytes: number;
  readonly mnemonic: string;
  readonly operands: string;
}

/** The instructions of `.text` as objdump sees them; at most `most`. */
function disassemble(path: string, most: number): Line[] {
  const text = execFileSync(
    'bash',
    [
      '-c',
      `objdump -d -j .text --insn-width=16 "$0" 2>/dev/null | grep -P '^ +[0-9a-f]+:\\t' | head -${most}`,
      path,
    ],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 29,
    },
  );
  return [...text.matchAll(/^ +([0-9a-f]+):\t([0-9a-f ]+?) *\t(.*)$/gm)].map(([, address, bytes, rest]) => {
    const words = (rest ?? '')
      .replace(
        /^((?:rep|repz|repnz|lock|data16|cs|ds|es|fs|gs|ss|notrack|bnd|rex\S*|addr32|xacquire|xrelease) )+/,
        '',
      )
      .split(/\s+/);
    return {
      address: parseInt(address ?? '', 16),
      lengthBytes: (bytes ?? '').trim().split(' ').length,
      mnemonic: words[0] ?? '',
      operands: words.slice(1).join(' '),
    };
  });
}

function expectedClass({ mnemonic, operands }: Line): InstructionClass | undefined {
  if (/^ret/.test(mnemonic) || mnemonic === 'lret') return 'return';
  if (/^call/.test(mnemonic)) return 'call';
  if (/^jmp/.test(mnemonic)) return operands.startsWith('*') ? 'indirect-jump' : 'jump';
  if (/^(j|loop)/.test(mnemonic)) return 'conditional-jump';
  if (/^nop/.test(mnemonic)) return 'nop';
  if (/^endbr/.test(mnemonic)) return 'landing-pad';
  if (mnemonic === 'push' && operands.startsWith('%r')) return 'push';
  return undefined;
}

const programs: [what: string, paths: () => string[]][] = [
  ['libc', () => globSync('/usr/lib/x86_64-linux-gnu/libc.so.6')],
  ['libstdc++', () => globSync('/usr/lib/x86_64-linux-gnu/libstdc++.so.6')],
  ['libLLVM', () => globSync('/usr/lib/x86_64-linux-gnu/libLLVM*.so.1')],
  ['libcrypto (vector code)', () => globSync('/usr/lib/x86_64-linux-gnu/libcrypto.so.*')],
  ['node', () => [process.execPath]],
  ['go', () => globSync('/usr/lib/go-1.*/bin/go')],
];

describe('x86-64 instructions agree with objdump', () => {
  for (const [what, paths] of programs)
    it(what, (ctx) => {
      const [path] = paths();
      if (path === undefined || !existsSync(path) || process.arch !== 'x64')
        return ctx.skip(`${what} is not installed`);
      const lines = disassemble(path, 150_000);
      const elf = ElfFile.open(path);
      const wrong: string[] = [];
      for (const line of lines) {
        // Tables between the functions of hand-written code; xbegin's fallback address is no jump of the usual flow.
        if (line.mnemonic === '(bad)' || /^(\.|rex|xbegin)/.test(line.mnemonic)) continue;
        const bytes = elf.bytesAt(line.address, 16);
        const decoded = decodeX86(bytes, 0, line.address);
        const class_ = expectedClass(line);
        const target = /^([0-9a-f]+) </.exec(line.operands)?.[1];
        const differs =
          decoded?.lengthBytes !== line.lengthBytes ||
          (class_ !== undefined && decoded.class !== class_) ||
          (target !== undefined && !target.startsWith('ffffffff') && decoded.target !== parseInt(target, 16));
        if (differs)
          wrong.push(
            `${line.address.toString(16)} ${Buffer.from(bytes).toString('hex')} ${line.mnemonic} ${line.operands}: ${JSON.stringify(decoded)} not ${line.lengthBytes}`,
          );
      }
      elf.close();
      expect(wrong.slice(0, 20)).toEqual([]);
      expect(lines.length).toBeGreaterThan(10_000);
    });
});
