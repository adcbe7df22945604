import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { format } from '../../../language-server/language/format/format.ts';
import { commonScripts, newestScripts, programs } from './scripts.ts';
import { shapeOf } from './shape.ts';

function checkLaws(source: string, version: number): void {
  const formatted = format(source, { version });
  if (formatted === undefined) throw new Error(`not formatted: ${source}`);
  expect(shapeOf(formatted, version)).toBe(shapeOf(source, version));
  expect(format(formatted, { version })).toBe(formatted);
}

describe('format', () => {
  test('puts white space in order and keeps comments, line ends and empty lines', () => {
    const source = [
      '#!/usr/bin/env bpftrace',
      '',
      '',
      'BEGIN{printf ( "hi\\n" );@x[ 1,2 ]=count( ) ; // trailing',
      '   /* own line */',
      'if(pid==1){print(@x) ;}else{clear(@x);}',
      '      $a = (uint64 *)  arg0 ;$b=- 1; @y ++ ;',
      '  $long = $a +',
      '     $b;',
      '}',
      'kprobe:vfs_read ,kprobe:vfs_write',
      '/ pid == 3  && comm !="x" /',
      '{ @s = $1 ?  1 : 2 ; }',
    ].join('\n');
    expect(format(source, { version: 17, indent: '\t' })).toBe(
      [
        '#!/usr/bin/env bpftrace',
        '',
        'BEGIN {',
        '\tprintf("hi\\n");',
        '\t@x[1, 2] = count(); // trailing',
        '\t/* own line */',
        '\tif (pid == 1) { print(@x); } else { clear(@x); }',
        '\t$a = (uint64 *)arg0;',
        '\t$b = -1;',
        '\t@y++;',
        '\t$long = $a +',
        '\t\t$b;',
        '}',
        'kprobe:vfs_read, kprobe:vfs_write',
        '/pid == 3 && comm != "x"/',
        '{ @s = $1 ? 1 : 2; }',
        '',
      ].join('\n'),
    );
  });

  test('keeps operators apart that would merge', () => {
    const source = 'BEGIN /*c*/ / *$x == - -1/ { $a = - -$b; $c = -- $d; $e = - --$f }';
    expect(format(source, { version: 17 })).toBe(
      'BEGIN /*c*/ / *$x == - -1/ { $a = - -$b; $c = --$d; $e = - --$f }\n',
    );
  });

  test('leaves scripts with syntax errors alone', () => {
    expect(format('BEGIN { printf( }')).toBeUndefined();
    expect(format('BEGIN { 1 } /* open')).toBeUndefined();
  });

  test('keeps CRLF', () => {
    expect(format('BEGIN {\r\n1;\r\n}\r\n')).toBe('BEGIN {\r\n\t1;\r\n}\r\n');
  });

  test.each(commonScripts)('keeps the meaning and is stable: %s', (script) => {
    for (const version of [17, 23, 27]) checkLaws(script, version);
  });
  test.each(newestScripts)('keeps the meaning and is stable in 0.27: %s', (script) => {
    checkLaws(script, 27);
  });

  test('keeps the meaning of generated programs and is stable', () => {
    fc.assert(
      fc.property(programs, fc.constantFrom(17, 24, 27), (program, version) => {
        checkLaws(program, version);
      }),
      { numRuns: 300 },
    );
  });
});
