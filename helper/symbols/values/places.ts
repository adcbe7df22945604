import { ProbeError } from '../../../protocol/errors.ts';
import type { Location } from './location.ts';
import { binary, constant, extend, memory, plus, register, type Term } from './term.ts';

/** The part of a location that starts `offsetBytes` in and has `sizeBytes`. */
export function partOf(location: Location, offsetBytes: number, sizeBytes: number): Location {
  switch (location.kind) {
    case 'memory':
      return { kind: 'memory', address: plus(location.address, offsetBytes) };
    case 'register':
      if (offsetBytes === 0) return location;
      return { kind: 'value', term: binary('u>>', register(location.register), constant(offsetBytes * 8)) };
    case 'value':
      if (offsetBytes === 0) return location;
      return { kind: 'value', term: binary('u>>', location.term, constant(offsetBytes * 8)) };
    case 'bytes':
      return { kind: 'bytes', bytes: location.bytes.subarray(offsetBytes, offsetBytes + sizeBytes) };
    case 'pieces': {
      let start = 0;
      for (const piece of location.pieces) {
        const end = start + piece.sizeBytes;
        if (offsetBytes >= start && offsetBytes + sizeBytes <= end)
          return partOf(piece.location, offsetBytes - start, sizeBytes);
        // A whole struct made of pieces keeps them all.
        if (offsetBytes === start && offsetBytes + sizeBytes > end)
          return piecesFrom(location.pieces, start, sizeBytes);
        start = end;
      }
      return { kind: 'none' };
    }
    case 'implicit-pointer':
    case 'none':
      return location;
  }
}

/** The pieces from the byte `start`, which is a piece's first, until `sizeBytes` are reached. */
function piecesFrom(
  pieces: readonly { location: Location; sizeBytes: number }[],
  start: number,
  sizeBytes: number,
): Location {
  const kept: { location: Location; sizeBytes: number }[] = [];
  let at = 0;
  for (const piece of pieces) {
    if (at >= start && at < start + sizeBytes) kept.push(piece);
    at += piece.sizeBytes;
  }
  return { kind: 'pieces', pieces: kept };
}

/**
 * The first `sizeBytes` (1, 2, 4 or 8) of a location as a number, zero-extended. Undefined where they were optimised
 * out; throws `expression-unsupported` for what is somewhere, but not readable as a number.
 */
export function loadFrom(location: Location, sizeBytes: number): Term | undefined {
  const bytes = wordSize(sizeBytes);
  switch (location.kind) {
    case 'memory':
      return memory(location.address, bytes);
    case 'register':
      return extend(register(location.register), bytes * 8, false);
    case 'value':
      return extend(location.term, bytes * 8, false);
    case 'bytes': {
      let value = 0n;
      for (let index = bytes - 1; index >= 0; index--)
        value = (value << 8n) | BigInt(location.bytes[index] ?? 0);
      return constant(value);
    }
    case 'pieces':
      return joined(location.pieces, bytes);
    case 'implicit-pointer':
      throw new ProbeError({
        code: 'expression-unsupported',
        message: 'The pointer itself was optimised out; only what it points to is known.',
        remedy: 'Ask for what it points to, with * or ->.',
      });
    case 'none':
      return undefined;
  }
}

/** A number whose bytes lie in several places. */
function joined(
  pieces: readonly { location: Location; sizeBytes: number }[],
  bytes: number,
): Term | undefined {
  let sum: Term = constant(0);
  let at = 0;
  for (const piece of pieces) {
    if (at >= bytes) break;
    const part = loadFrom(piece.location, Math.min(piece.sizeBytes, bytes - at));
    if (part === undefined) return undefined;
    sum = at === 0 ? part : binary('|', sum, binary('<<', part, constant(at * 8)));
    at += piece.sizeBytes;
  }
  return at < bytes ? undefined : sum;
}

function wordSize(sizeBytes: number): 1 | 2 | 4 | 8 {
  if (sizeBytes === 1 || sizeBytes === 2 || sizeBytes === 4 || sizeBytes === 8) return sizeBytes;
  throw new ProbeError({
    code: 'expression-unsupported',
    message: `A value of ${sizeBytes} bytes is no number that a probe can record at once.`,
    remedy: 'Ask for its members or elements.',
  });
}
