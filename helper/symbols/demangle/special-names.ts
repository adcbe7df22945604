import type { Cursor } from './cursor.ts';
import { parseEncoding, parseName, parseTemplateArgument } from './names.ts';
import { Around, Sequence } from './nodes.ts';
import type { Node } from './output.ts';
import { parseType } from './types.ts';

/** `<special-name>`: tables, thunks, guards. */
export function parseSpecialName(c: Cursor): Node {
  if (c.take('TV')) return new Around('vtable for ', parseType(c));
  if (c.take('TT')) return new Around('VTT for ', parseType(c));
  if (c.take('TI')) return new Around('typeinfo for ', parseType(c));
  if (c.take('TS')) return new Around('typeinfo name for ', parseType(c));
  if (c.take('TA')) return new Around('template parameter object for ', parseTemplateArgument(c));
  if (c.take('Tc')) {
    skipCallOffset(c);
    skipCallOffset(c);
    return new Around('covariant return thunk to ', parseEncoding(c));
  }
  if (c.take('TC')) {
    const first = parseType(c);
    c.number(true);
    c.expect('_');
    return new Sequence('construction vtable for ', parseType(c), '-in-', first);
  }
  if (c.take('TW')) return new Around('thread-local wrapper routine for ', parseName(c));
  if (c.take('TH')) return new Around('thread-local initialization routine for ', parseName(c));
  if (c.take('T')) {
    const virtual = c.peek() === 'v';
    skipCallOffset(c);
    return new Around(virtual ? 'virtual thunk to ' : 'non-virtual thunk to ', parseEncoding(c));
  }
  if (c.take('GV')) return new Around('guard variable for ', parseName(c));
  if (c.take('GR')) {
    const name = parseName(c);
    if (!c.take('_')) {
      c.sequenceId();
      c.expect('_');
    }
    return new Around('reference temporary for ', name);
  }
  return c.fail();
}

function skipCallOffset(c: Cursor): void {
  const virtual = c.take('v');
  if (!virtual) c.expect('h');
  if (c.number(true) === '') c.fail();
  c.expect('_');
  if (!virtual) return;
  if (c.number(true) === '') c.fail();
  c.expect('_');
}
