import { expect, test } from 'vitest';
import { costClasses } from '../../protocol/cost.ts';
import { calibrationProgram, symbolOf } from '../../helper/kernel/calibration/program.ts';

/** Reads what a loader and bpftrace read: entry, load segments, symbols with their file offsets. */
function read(file: Buffer) {
  const sections = Number(file.readBigUInt64LE(40));
  const section = (index: number) => ({
    offset: Number(file.readBigUInt64LE(sections + 64 * index + 24)),
    size: Number(file.readBigUInt64LE(sections + 64 * index + 32)),
  });
  const strings = section(3);
  const symbols = new Map<string, { offset: number; size: number }>();
  const table = section(2);
  for (let at = table.offset + 24; at < table.offset + table.size; at += 24) {
    const nameAt = strings.offset + file.readUInt32LE(at);
    const name = file.toString('latin1', nameAt, file.indexOf(0, nameAt));
    symbols.set(name, {
      offset: Number(file.readBigUInt64LE(at + 8)) - 0x400000,
      size: Number(file.readBigUInt64LE(at + 16)),
    });
  }
  return { machine: file.readUInt16LE(18), entry: Number(file.readBigUInt64LE(24)), symbols };
}

test.each(['x64', 'arm64'])('%s: every function starts with the instruction it is named after', (arch) => {
  const file = calibrationProgram(arch)!;
  const { machine, symbols } = read(file);
  const first: Record<string, Record<string, string>> = {
    x64: { nop: '90', push: '55', endbr64: 'f30f1efa', mov: '4889f8' },
    arm64: { nop: '1f2003d5', push: 'fd7bbfa9', endbr64: '5f2403d5', mov: 'e10300aa' },
  };
  expect(machine).toBe(arch === 'x64' ? 62 : 183);
  for (const instruction of costClasses) {
    const { offset } = symbols.get(symbolOf(instruction))!;
    const expected = first[arch]![instruction]!;
    expect(file.toString('hex', offset, offset + expected.length / 2)).toBe(expected);
  }
});

test('the entry point is _start, and a processor without a program has none', () => {
  const { entry, symbols } = read(calibrationProgram('x64')!);
  expect(entry - 0x400000).toBe(symbols.get('_start')!.offset);
  expect(calibrationProgram('s390x')).toBeUndefined();
});
