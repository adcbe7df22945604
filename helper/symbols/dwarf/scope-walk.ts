import { malformed } from '../problems.ts';
import { forms } from './constants.ts';
import { ScopeReader } from './scope-reader.ts';
import type { ScopeStore, UnitScopes } from './scope-store.ts';
import { HAS_ORIGIN, NONE, ORIGIN_ELSEWHERE } from './scope-store.ts';
import type { CompiledAbbreviations } from './skip-ops.ts';
import {
  INLINED,
  OP_BLOCK,
  OP_BLOCK1,
  OP_BLOCK2,
  OP_BLOCK4,
  OP_LEB,
  OP_STRING,
  PLAIN,
  SKIP_SUBTREE,
  SUBPROGRAM,
} from './skip-ops.ts';
import type { Unit } from './unit.ts';
import { skipValue } from './values.ts';

/** Entries nested deeper than this are taken for damage; real ones stay below 300. */
const DEEPEST = 4096;

/** The scope that DIEs at a depth belong to; walks do not nest. */
const scopeStack = new Uint32Array(DEEPEST + 1);

/**
 * Walks all DIEs of a unit and appends its functions to `store`. `bytes[at]` is the byte at section offset
 * `at + bias`, so that a full index can run over a window of the section. With `addresses` functions that hold none of them are
 * left out, with all that DW_AT_sibling leads over.
 */
export function walkUnit(
  unit: Unit,
  bytes: Uint8Array,
  bias: number,
  compiled: CompiledAbbreviations,
  store: ScopeStore,
  addresses?: readonly number[],
): UnitScopes {
  const first = store.count;
  const firstRange = store.rangeCount;
  const start = unit.header.rootOffset - bias;
  const end = unit.end - bias;
  const stopped = walk(unit, bytes, start, end, bias, compiled, store, addresses);
  if (stopped < 0)
    throw malformed(
      unit.file.path,
      unit.section.name,
      -stopped + bias,
      'an entry of an unknown kind, or nested too deep',
    );
  if (!(stopped <= end))
    throw malformed(
      unit.file.path,
      unit.section.name,
      unit.end,
      'an entry that runs over the end of its unit',
    );
  store.firstRanges[store.count] = store.rangeCount;
  return { first, end: store.count, firstRange, endRange: store.rangeCount };
}

/**
 * Reads the functions whose instances `scopes` of a unit are and appends them to `store`: `known` tells where each is, by its offset.
 * Origins in other units, and any that is no function, are left to who asks for them.
 */
export function readOrigins(
  unit: Unit,
  bytes: Uint8Array,
  bias: number,
  compiled: CompiledAbbreviations,
  store: ScopeStore,
  scopes: UnitScopes,
  known: Map<number, number>,
): void {
  const reader = new ScopeReader(unit, bytes, bias, compiled, store);
  const { kinds, codes } = compiled;
  for (let scope = scopes.first; scope < scopes.end; scope++) {
    if ((store.flags[scope]! & (HAS_ORIGIN | ORIGIN_ELSEWHERE)) !== HAS_ORIGIN) continue;
    const offset = store.origins[scope]!;
    if (known.has(offset) || offset < unit.header.rootOffset || offset >= unit.end) continue;
    let pos = offset - bias;
    let code = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[pos++]!;
      code += (byte & 0x7f) * scale;
      if (!(byte >= 0x80)) break;
    }
    if (!(code < codes) || kinds[code] !== SUBPROGRAM) continue;
    known.set(offset, store.count);
    reader.read(pos, offset - bias, code, SUBPROGRAM, NONE);
  }
  store.firstRanges[store.count] = store.rangeCount;
}

/** The hot loop: 15 million DIEs of vmlinux in 0.4 s. Locals only. Returns where it stopped, negative for damage. */
function walk(
  unit: Unit,
  bytes: Uint8Array,
  start: number,
  end: number,
  bias: number,
  compiled: CompiledAbbreviations,
  store: ScopeStore,
  addresses: readonly number[] | undefined,
): number {
  const { kinds, hasChildren, fixedSizes, opStarts, ops, siblingAt } = compiled;
  const { codes } = compiled;
  const reader = new ScopeReader(unit, bytes, bias, compiled, store);
  const unitStart = unit.offset - bias;
  const stack = scopeStack;
  stack[0] = NONE;
  let depth = 0;
  let pos = start;
  while (pos < end) {
    const dieAt = pos;
    let code = bytes[pos++]!;
    if (code >= 0x80) {
      code &= 0x7f;
      let scale = 128;
      for (;;) {
        const byte = bytes[pos++]!;
        code += (byte & 0x7f) * scale;
        if (!(byte >= 0x80)) break;
        scale *= 128;
      }
    }
    if (code === 0) {
      if (--depth <= 0) return pos;
      continue;
    }
    if (code >= codes) return -dieAt;
    const kind = kinds[code]!;
    if (kind === PLAIN) {
      const size = fixedSizes[code]!;
      if (size >= 0) pos += size;
      else {
        for (let op = opStarts[code]!; ; op++) {
          const skip = ops[op]!;
          if (skip > 0) pos += skip;
          else if (skip === 0) break;
          else if (skip === OP_LEB) while (bytes[pos++]! >= 0x80);
          else if (skip === OP_BLOCK) {
            let length = bytes[pos++]!;
            if (length >= 0x80) {
              length &= 0x7f;
              let scale = 128;
              for (;;) {
                const byte = bytes[pos++]!;
                length += (byte & 0x7f) * scale;
                if (!(byte >= 0x80)) break;
                scale *= 128;
              }
            }
            pos += length;
          } else if (skip === OP_STRING) {
            while (pos < end && bytes[pos] !== 0) pos++;
            pos++;
          } else if (skip === OP_BLOCK1) pos += 1 + bytes[pos]!;
          else if (skip === OP_BLOCK2) pos += 2 + (bytes[pos]! | (bytes[pos + 1]! << 8));
          else if (skip === OP_BLOCK4)
            pos +=
              4 +
              ((bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24)) >>>
                0);
          else {
            const after = skipIndirect(unit, pos + bias);
            if (after < 0) return -dieAt;
            pos = after - bias;
          }
        }
      }
      if (hasChildren[code] === 1) {
        if (depth >= DEEPEST) return -dieAt;
        stack[depth + 1] = stack[depth]!;
        depth++;
      }
    } else if (kind === SKIP_SUBTREE) {
      const at = pos + siblingAt[code]!;
      const target =
        unitStart +
        ((bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0);
      // A sibling that is not ahead would be a loop.
      if (!(target > pos && target <= end)) return -dieAt;
      pos = target;
    } else if (kind === 0) return -dieAt;
    else {
      const next = reader.read(pos, dieAt, code, kind, stack[depth]!);
      const mayGo = addresses !== undefined && kind !== INLINED;
      if (next < 0) {
        // A declaration: nothing but parameters below it, and it tells where they end.
        pos = -next;
        if (mayGo) reader.leaveOut(addresses);
      } else {
        pos = next;
        if (hasChildren[code] !== 1) {
          if (mayGo) reader.leaveOut(addresses);
        } else {
          const sibling = mayGo ? reader.siblingAfter(next) : 0;
          if (mayGo && sibling > 0 && reader.leaveOut(addresses)) pos = sibling;
          else {
            if (depth >= DEEPEST) return -dieAt;
            stack[++depth] = store.count - 1;
          }
        }
      }
    }
    // A unit without children ends with its root.
    if (depth === 0) return pos;
  }
  return pos;
}

/** DW_FORM_indirect: the form stands before the value. Rare enough for the slow reader. */
function skipIndirect(unit: Unit, offset: number): number {
  const reader = unit.reader(offset);
  const form = reader.uleb();
  if (form === forms.indirect || form === forms.implicitConst) return -1;
  skipValue(reader, form, unit);
  return reader.at;
}
