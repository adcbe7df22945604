import { describe, expect, test } from 'vitest';
import { dryRunArguments, parseRemarks } from '../../../helper/engines/bpftrace/verdict.ts';

describe('remarks of bpftrace', () => {
  // Recorded from bpftrace 0.17.0: `-d -`, as root in a container without CAP_SYS_RESOURCE.
  const recorded = [
    'ERROR: Unknown error -1: couldn\'t set RLIMIT_MEMLOCK for bpftrace. If your program is not loading, you can try "ulimit -l 8192" to fix the problem',
    'stdin:2:3-9: ERROR: Undefined map: @x',
    '  print(@x);',
    '  ~~~~~~',
    'HINT: Did you mean @y?',
    'stdin:1:1-11: WARNING: f is not traceable (either non-existing, inlined, or marked as "notrace"); attaching to it will likely fail',
    '',
  ].join('\n');

  test('are placed, hints belong to the remark above, the limit on memory is no remark', () => {
    expect(parseRemarks(recorded, 'kprobe:f {\n  print(@x);\n}', true)).toEqual([
      {
        line: 1,
        character: 2,
        endLine: 1,
        endCharacter: 8,
        severity: 'error',
        message: 'Undefined map: @x',
        hint: 'Did you mean @y?',
      },
      expect.objectContaining({ line: 0, severity: 'warning' }),
    ]);
  });

  test('count bytes where editors count characters, and reach over lines', () => {
    const script = 'BEGIN { print("é"); foo }\nEND {';
    expect(parseRemarks('stdin:1:22-25: ERROR: x', script, true)[0]).toMatchObject({
      character: 20,
      endCharacter: 23,
    });
    expect(parseRemarks('stdin:1-2: ERROR: y', script, true)[0]).toMatchObject({
      line: 0,
      character: 0,
      endLine: 1,
      endCharacter: 5,
    });
    expect(parseRemarks('stdin:99:7-9: ERROR: z', script, true)[0]).toMatchObject({ line: 1 });
  });

  test('without a place stand at the top, and only when bpftrace failed', () => {
    expect(parseRemarks('FATAL: Invalid probe type', 'x', true)).toEqual([
      {
        line: 0,
        character: 0,
        endLine: 0,
        endCharacter: 1,
        severity: 'error',
        message: 'Invalid probe type',
      },
    ]);
    expect(parseRemarks('definitions.h:2:10: fatal error: x.h file not found', 'x', true)).toHaveLength(1);
    expect(parseRemarks('ERROR: anything', 'x', false)).toEqual([]);
    expect(parseRemarks('\0\n\n: ERROR: \nstdin:x', 'x', true)).toEqual([]);
  });
});

test('no release is asked in a form that attaches', () => {
  expect(dryRunArguments('0.17.0', '/t')).toEqual(['-d']);
  expect(dryRunArguments('0.21.3', '/t')).toEqual(['-d']);
  expect(dryRunArguments('0.23.2', '/t')).toEqual(['--emit-elf', '/t/script.o']);
  expect(dryRunArguments('0.24.0', '/t')).toEqual(['--test-mode', 'codegen']);
  expect(dryRunArguments('0.27.1', '/t')).toEqual(['--mode', 'codegen']);
});
