import type { Encoding, Type } from '../dwarf/types.ts';
import type { TypeName } from './ast.ts';
import { ExpressionError } from './problem.ts';
import type { Scope } from './scope.ts';

/** The type that a cast names: C's own, fixed-width and Rust's integers, or one of the debug information. */
export function namedType(scope: Scope, name: TypeName): Type {
  let type = baseType(name.name) ?? scope.type(name.name);
  if (type === undefined)
    throw new ExpressionError(
      name,
      `The debug information has no type ${name.name}.`,
      'Check its spelling; a class inside a namespace is written ns::T.',
    );
  for (let level = 0; level < name.pointers; level++) {
    const target: Type = type;
    type = { kind: 'pointer', name: `${target.name} *`, sizeBytes: 8, target: () => target };
  }
  return type;
}

const fixed = /^(?:(u?)int(8|16|32|64)_t|([iu])(8|16|32|64|size)|(s?)size_t|(u?)intptr_t|ptrdiff_t)$/;

function baseType(name: string): Type | undefined {
  const match = fixed.exec(name);
  if (match !== null) {
    const bits = Number(match[2] ?? (match[4] === 'size' ? 64 : (match[4] ?? 64)));
    const unsigned = match[1] === 'u' || match[3] === 'u' || match[5] === '' || match[6] === 'u';
    return integer(name, bits / 8, unsigned ? 'unsigned' : 'signed');
  }
  return composed(name);
}

/** `unsigned long long int` and the like, in any order. */
function composed(name: string): Type | undefined {
  const words = name.split(' ');
  if (
    !words.every((word) =>
      [
        'unsigned',
        'signed',
        'long',
        'short',
        'int',
        'char',
        'float',
        'double',
        'bool',
        '_Bool',
        'void',
      ].includes(word),
    )
  )
    return undefined;
  const has = (word: string): boolean => words.includes(word);
  if (has('void')) return { kind: 'void', name: 'void', sizeBytes: 0 };
  if (has('bool') || has('_Bool')) return integer(name, 1, 'boolean');
  if (has('float')) return integer(name, 4, 'float');
  if (has('double')) return has('long') ? undefined : integer(name, 8, 'float');
  const unsigned = has('unsigned');
  if (has('char')) return integer(name, 1, unsigned ? 'unsigned-char' : 'signed-char');
  return integer(name, has('short') ? 2 : has('long') ? 8 : 4, unsigned ? 'unsigned' : 'signed');
}

function integer(name: string, sizeBytes: number, encoding: Encoding): Type {
  return { kind: 'base', name, sizeBytes, encoding };
}
