/**
 * The program whose functions calibrate the cost of a probe: a static ELF executable that the helper writes itself, so
 * that no compiler is needed on the target and the first instruction of every function is known to the byte.
 *
 * It waits for a byte on standard input, then calls each function {@link CALLS} times and writes, for each, the
 * CLOCK_MONOTONIC times before and after its calls as two `struct timespec`: 32 bytes a function. It ends at the end of
 * its input, so it cannot outlive the helper.
 */

/** How often each function is called in one round: 2,000 hits of the dearest probe known (35 µs) take 70 ms. */
export const CALLS = 2000;

/** What a function starts with: what decides whether the kernel emulates or single-steps the probed instruction. */
export const instructionClasses = ['nop', 'push', 'endbr64', 'mov'] as const;
export type InstructionClass = (typeof instructionClasses)[number];

export const symbolOf = (instruction: InstructionClass): string => `probescope_${instruction}`;

/** Bytes that one function adds to the program's answer. */
export const ANSWER_BYTES = 32;

interface MachineCode {
  /** `e_machine` of the ELF header. */
  readonly machine: number;
  readonly functions: Readonly<Record<InstructionClass, readonly number[]>>;
  /** The main loop, given the virtual addresses of the functions and of a buffer for the answer. */
  main(functions: readonly number[], buffer: number, at: number): number[];
}

const le32 = (value: number): number[] => [
  value & 255,
  (value >> 8) & 255,
  (value >> 16) & 255,
  (value >> 24) & 255,
];

const x86_64: MachineCode = {
  machine: 62,
  functions: {
    nop: [0x90, 0xc3], //                    nop; ret
    push: [0x55, 0x5d, 0xc3], //             push %rbp; pop %rbp; ret
    endbr64: [0xf3, 0x0f, 0x1e, 0xfa, 0xc3], // endbr64; ret
    mov: [0x48, 0x89, 0xf8, 0xc3], //        mov %rdi,%rax; ret
  },
  main(functions, buffer, at) {
    const code: number[] = [];
    const syscall = (number: number) => code.push(0xb8, ...le32(number), 0x0f, 0x05); // mov $n,%eax; syscall
    const start = at;
    code.push(0x31, 0xff); //                                  xor %edi,%edi
    code.push(0xbe, ...le32(buffer)); //                       mov $buffer,%esi
    code.push(0xba, ...le32(1)); //                            mov $1,%edx
    syscall(0); //                                             read(0, buffer, 1)
    code.push(0x83, 0xf8, 0x01, 0x74, 0x09); //                cmp $1,%eax; je over the exit
    code.push(0x31, 0xff); //                                  xor %edi,%edi
    syscall(60); //                                            exit(0)
    functions.forEach((address, index) => {
      const clock = (slot: number) => {
        code.push(0xbf, ...le32(1)); //                        mov $CLOCK_MONOTONIC,%edi
        code.push(0xbe, ...le32(buffer + index * ANSWER_BYTES + slot * 16));
        syscall(228); //                                       clock_gettime
      };
      clock(0);
      code.push(0xbb, ...le32(CALLS)); //                      mov $CALLS,%ebx
      const loop = at + code.length;
      code.push(0xe8, ...le32(address - (at + code.length + 5))); // call function
      code.push(0xff, 0xcb); //                                dec %ebx
      code.push(0x75, (loop - (at + code.length + 2)) & 255); // jnz loop
      clock(1);
    });
    code.push(0xbf, ...le32(1)); //                            mov $1,%edi
    code.push(0xbe, ...le32(buffer));
    code.push(0xba, ...le32(functions.length * ANSWER_BYTES));
    syscall(1); //                                             write(1, buffer, …)
    code.push(0xe9, ...le32(start - (at + code.length + 5))); // jmp start
    return code;
  },
};

/** AArch64 has no endbr64; its landing pad `bti c` stands in its place, and `stp` with write-back for `push`. */
const aarch64: MachineCode = {
  machine: 183,
  functions: {
    nop: [...le32(0xd503201f), ...le32(0xd65f03c0)], //     nop; ret
    push: [...le32(0xa9bf7bfd), ...le32(0xa8c17bfd), ...le32(0xd65f03c0)], // stp x29,x30,[sp,#-16]!; ldp x29,x30,[sp],#16; ret
    endbr64: [...le32(0xd503245f), ...le32(0xd65f03c0)], // bti c; ret
    mov: [...le32(0xaa0003e1), ...le32(0xd65f03c0)], //     mov x1,x0; ret
  },
  main(functions, buffer, at) {
    const code: number[] = [];
    const word = (instruction: number) => code.push(...le32(instruction));
    const set = (register: number, value: number) => {
      word(0xd2800000 | ((value & 0xffff) << 5) | register); //        movz xN,#low
      word(0xf2a00000 | (((value >>> 16) & 0xffff) << 5) | register); // movk xN,#high,lsl #16
    };
    const syscall = (number: number) => {
      set(8, number);
      word(0xd4000001); //                                            svc #0
    };
    const start = at;
    set(0, 0);
    set(1, buffer);
    set(2, 1);
    syscall(63); //                                                   read
    word(0xf100041f); //                                              cmp x0,#1
    word(0x54000000 | (5 << 5)); //                                   b.eq over the exit
    set(0, 0);
    // exit: one movz is enough for the number, so that the branch above stays five words long
    word(0xd2800000 | (93 << 5) | 8);
    word(0xd4000001);
    functions.forEach((address, index) => {
      const clock = (slot: number) => {
        set(0, 1);
        set(1, buffer + index * ANSWER_BYTES + slot * 16);
        syscall(113); //                                              clock_gettime
      };
      clock(0);
      set(19, CALLS);
      const loop = at + code.length;
      word(0x94000000 | (((address - (at + code.length)) >> 2) & 0x3ffffff)); // bl function
      word(0xf1000673); //                                            subs x19,x19,#1
      word(0x54000001 | ((((loop - (at + code.length)) >> 2) & 0x7ffff) << 5)); // b.ne loop
      clock(1);
    });
    set(0, 1);
    set(1, buffer);
    set(2, functions.length * ANSWER_BYTES);
    syscall(64); //                                                   write
    word(0x14000000 | (((start - (at + code.length)) >> 2) & 0x3ffffff)); // b start
    return code;
  },
};

const machines: Readonly<Record<string, MachineCode>> = { x64: x86_64, arm64: aarch64 };

const BASE = 0x400000;
const TEXT_OFFSET = 0x1000;
const BUFFER = 0x600000;
const FUNCTION_ALIGNMENT = 16;

/**
 * The program's bytes for a processor as Node names it (`process.arch`), or undefined for one that is not known.
 * Layout (System V ABI, chapter 4): ELF header, two PT_LOADs (text; a zero-filled page for the answer), text at file
 * offset 0x1000, then .symtab, .strtab and .shstrtab, because bpftrace 0.17 attaches by symbol name alone.
 */
export function calibrationProgram(arch: string): Buffer | undefined {
  const machine = machines[arch];
  if (machine === undefined) return undefined;
  const text: number[] = [];
  const symbols = instructionClasses.map((instruction) => {
    const code = machine.functions[instruction];
    const symbol = {
      name: symbolOf(instruction),
      address: BASE + TEXT_OFFSET + text.length,
      size: code.length,
    };
    text.push(...code);
    while (text.length % FUNCTION_ALIGNMENT !== 0) text.push(0);
    return symbol;
  });
  const entry = BASE + TEXT_OFFSET + text.length;
  const main = machine.main(
    symbols.map((symbol) => symbol.address),
    BUFFER,
    entry,
  );
  text.push(...main);
  return elfFile(machine.machine, Buffer.from(text), entry, [
    ...symbols,
    { name: '_start', address: entry, size: main.length },
  ]);
}

function elfFile(
  machine: number,
  text: Buffer,
  entry: number,
  symbols: readonly { name: string; address: number; size: number }[],
): Buffer {
  const strtab = Buffer.from(['', ...symbols.map((symbol) => symbol.name), ''].join('\0'), 'latin1');
  const symtab = Buffer.alloc(24 * (symbols.length + 1));
  symbols.forEach((symbol, index) => {
    const at = 24 * (index + 1);
    symtab.writeUInt32LE(strtab.indexOf(`\0${symbol.name}\0`, 0, 'latin1') + 1, at);
    symtab.writeUInt8(0x12, at + 4); // STB_GLOBAL, STT_FUNC
    symtab.writeUInt16LE(1, at + 6);
    symtab.writeBigUInt64LE(BigInt(symbol.address), at + 8);
    symtab.writeBigUInt64LE(BigInt(symbol.size), at + 16);
  });
  const sectionNames = ['', '.text', '.symtab', '.strtab', '.shstrtab'];
  const shstrtab = Buffer.from(`${sectionNames.join('\0')}\0`, 'latin1');
  const symtabOffset = align(TEXT_OFFSET + text.length, 8);
  const strtabOffset = symtabOffset + symtab.length;
  const shstrtabOffset = strtabOffset + strtab.length;
  const sectionsOffset = align(shstrtabOffset + shstrtab.length, 8);
  const file = Buffer.alloc(sectionsOffset + 64 * sectionNames.length);

  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file); // ELF64, little endian
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(entry), 24);
  file.writeBigUInt64LE(64n, 32); // program headers
  file.writeBigUInt64LE(BigInt(sectionsOffset), 40);
  [64, 56, 2, 64, sectionNames.length, 4].forEach((value, index) =>
    file.writeUInt16LE(value, 52 + 2 * index),
  );

  const segment = (
    index: number,
    flags: number,
    offset: number,
    address: number,
    fileSize: number,
    memorySize: number,
  ) => {
    const at = 64 + 56 * index;
    file.writeUInt32LE(1, at); // PT_LOAD
    file.writeUInt32LE(flags, at + 4);
    [offset, address, address, fileSize, memorySize, 0x1000].forEach((value, field) =>
      file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * field),
    );
  };
  segment(0, 5, TEXT_OFFSET, BASE + TEXT_OFFSET, text.length, text.length);
  segment(1, 6, 0, BUFFER, 0, 0x1000);

  const section = (
    index: number,
    type: number,
    flags: number,
    address: number,
    offset: number,
    size: number,
    rest: readonly number[],
  ) => {
    const at = sectionsOffset + 64 * index;
    const [link = 0, info = 0, alignment = 1, entrySize = 0] = rest;
    file.writeUInt32LE(shstrtab.indexOf(`\0${sectionNames[index] ?? ''}\0`, 0, 'latin1') + 1, at);
    file.writeUInt32LE(type, at + 4);
    [flags, address, offset, size].forEach((value, field) =>
      file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * field),
    );
    file.writeUInt32LE(link, at + 40);
    file.writeUInt32LE(info, at + 44);
    file.writeBigUInt64LE(BigInt(alignment), at + 48);
    file.writeBigUInt64LE(BigInt(entrySize), at + 56);
  };
  section(1, 1, 6, BASE + TEXT_OFFSET, TEXT_OFFSET, text.length, [0, 0, 16]);
  section(2, 2, 0, 0, symtabOffset, symtab.length, [3, 1, 8, 24]);
  section(3, 3, 0, 0, strtabOffset, strtab.length, []);
  section(4, 3, 0, 0, shstrtabOffset, shstrtab.length, []);

  text.copy(file, TEXT_OFFSET);
  symtab.copy(file, symtabOffset);
  strtab.copy(file, strtabOffset);
  shstrtab.copy(file, shstrtabOffset);
  return file;
}

const align = (value: number, to: number): number => Math.ceil(value / to) * to;
