import type { Machine, Section } from './header.ts';
import { SHT_RELA, TableReader } from './header.ts';
import type { SymbolTable } from './symbol-table.ts';

/** Relocation types that compilers put into debug sections: absolute values of 8 and 4 bytes (psABI of each machine). */
const widths: Readonly<Partial<Record<Machine, Readonly<Record<number, 4 | 8>>>>> = {
  // R_X86_64_64, R_X86_64_32, R_X86_64_32S, R_X86_64_DTPOFF64, R_X86_64_DTPOFF32
  'x86-64': { 1: 8, 10: 4, 11: 4, 17: 8, 21: 4 },
  // R_AARCH64_ABS64, R_AARCH64_ABS32
  aarch64: { 257: 8, 258: 4 },
  // R_386_32
  x86: { 1: 4 },
  // R_RISCV_32, R_RISCV_64
  riscv: { 1: 4, 2: 8 },
};

/**
 * Applies the relocations of an ET_REL file to a debug section in place. What is not an absolute relocation is left
 * alone: RISC-V's label differences, for one, belong to line programs that only the linker can finish.
 */
export function relocate(
  bytes: Uint8Array,
  relocations: Uint8Array,
  relocationSection: Section,
  symbols: SymbolTable,
  machine: Machine,
  is64: boolean,
): void {
  const known = widths[machine];
  if (known === undefined) return;
  const table = new TableReader(relocations, is64);
  const target = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const explicit = relocationSection.type === SHT_RELA;
  const entry = (is64 ? 16 : 8) + (explicit ? (is64 ? 8 : 4) : 0);
  const count = Math.floor(relocations.length / entry);
  for (let index = 0; index < count; index++) {
    const at = index * entry;
    const place = is64 ? table.size64(at) : table.u32(at);
    const type = is64 ? table.u32(at + 8) : table.u32(at + 4) & 0xff;
    const symbol = is64 ? table.u32(at + 12) : table.u32(at + 4) >>> 8;
    const width = known[type];
    if (width === undefined || symbol >= symbols.count || place + width > bytes.length) continue;
    const written = target.getUint32(place, true);
    const addend = explicit ? (is64 ? table.address64(at + 16) : table.view.getInt32(at + 8, true)) : written;
    const value = symbols.values[symbol]! + addend;
    target.setUint32(place, value % 4294967296, true);
    if (width === 8) target.setInt32(place + 4, Math.floor(value / 4294967296), true);
  }
}
