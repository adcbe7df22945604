import { costClasses, type CostClass } from '../../../protocol/cost.ts';
import { BASE, BUFFER, elfFile, TEXT_OFFSET } from './elf-file.ts';

/**
 * The program whose functions calibrate the cost of a probe: a static ELF executable that the helper writes itself, so
 * that no compiler is needed on the target and the first instruction of every function is known to the byte.
 *
 * It waits for a byte on standard input, then calls each function {@link CALLS} times and writes, for each, the
 * CPU times before and after its calls as two `struct timespec`: 32 bytes a function. It ends at the end of
 * its input, so it cannot outlive the helper.
 */

/** How often each function is called in one round: 2,000 hits of the dearest probe known (35 µs) take 70 ms. */
export const CALLS = 2000;

export const symbolOf = (instruction: CostClass): string => `probescope_${instruction}`;

/** CLOCK_THREAD_CPUTIME_ID: what the calls took of a core, with the kernel's part, whoever else wants that core. */
const CLOCK = 3;

/** Bytes that one function adds to the program's answer. */
export const ANSWER_BYTES = 32;

interface MachineCode {
  /** `e_machine` of the ELF header. */
  readonly machine: number;
  readonly functions: Readonly<Record<CostClass, readonly number[]>>;
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
        code.push(0xbf, ...le32(CLOCK)); //                    mov $CLOCK,%edi
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
        set(0, CLOCK);
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

const FUNCTION_ALIGNMENT = 16;

/**
 * The program's bytes for a processor as Node names it (`process.arch`), or undefined for one that is not known.
 * Layout (System V ABI, chapter 4): ELF header, two PT_LOADs (text; a zero-filled page for the answer), text at file
 * offset 0x1000, then the sections: symbols, because bpftrace 0.17 attaches by name alone, and a USDT note.
 */
export function calibrationProgram(arch: string): Buffer | undefined {
  const machine = machines[arch];
  if (machine === undefined) return undefined;
  const text: number[] = [];
  const symbols = costClasses.map((instruction) => {
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
