import { execFileSync } from 'node:child_process';
import { formatAddress } from '../../helper/symbols/address.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { SHF_ALLOC, SHF_EXECINSTR } from '../../helper/symbols/elf/header.ts';
import type { Sample } from './symbols-corpus.ts';

export interface Difference {
  readonly address: string;
  readonly ours: string;
  readonly theirs: string;
}

/** The same addresses each time: a linear congruential generator over the bytes of all code sections. */
function randomAddresses(info: DebugInfo, count: number): number[] {
  const code = info.elf.sections.filter(
    ({ flags }) => (flags & SHF_ALLOC) !== 0 && (flags & SHF_EXECINSTR) !== 0,
  );
  const total = code.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let seed = 20_240_229;
  return Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    let at = Math.floor((seed / 2 ** 32) * total);
    for (const { address, sizeBytes } of code) {
      if (at < sizeBytes) return address + at;
      at -= sizeBytes;
    }
    return code[0]?.address ?? 0;
  });
}

/** Where we and llvm-symbolizer tell different functions, files, lines, columns or inline depths, of `count` random addresses. */
export async function compareWithSymbolizer(
  { binary, oracle }: Sample,
  count: number,
): Promise<Difference[]> {
  const info = await DebugInfo.open(binary);
  info.demangleStyle = 'llvm';
  const addresses = randomAddresses(info, count);
  const answer = execFileSync('llvm-symbolizer', [`--obj=${oracle}`], {
    input: addresses.map((address) => `${formatAddress(address)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  const theirs = answer.split('\n\n');
  const differences: Difference[] = [];
  addresses.forEach((address, index) => {
    const ours = info
      .frames(address)
      .map(({ function: name, file, line, column }) => `${name}\n${file}:${line}:${column}`)
      .join('\n');
    if (ours !== theirs[index]?.trim())
      differences.push({ address: formatAddress(address), ours, theirs: theirs[index] ?? '' });
  });
  info.close();
  return differences;
}
