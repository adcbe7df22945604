import type { EventField } from '../../../protocol/events.ts';
import type { Column, Texts } from '../columns.ts';
import { dynamicKind, isText } from '../../kernel/format.ts';

/** Copies one field of a record into a column; `at` is where the record's data begins in `view`. */
export type FieldReader = (view: DataView, at: number, length: number) => void;

/** What a reader puts where the record is too short for the field: nothing is made up, and no column falls behind. */
const MISSING = 0;

/**
 * Makes the function that copies `field` from records into `column`. Integers are widened or narrowed to the column's
 * type; texts end at their first NUL; other arrays become hexadecimal.
 */
export function fieldReader(field: EventField, column: Column, texts: Texts): FieldReader {
  const offset = field.offsetBytes ?? 0;
  if (column.type === 'text') return textReader(field, column, texts);
  const wide = column.type === 'i64' || column.type === 'u64';
  switch (field.sizeBytes) {
    case 1:
      return field.signed
        ? (view, at, length) => column.push(offset < length ? view.getInt8(at + offset) : MISSING)
        : (view, at, length) => column.push(offset < length ? view.getUint8(at + offset) : MISSING);
    case 2:
      return field.signed
        ? (view, at, length) => column.push(offset + 2 <= length ? view.getInt16(at + offset, true) : MISSING)
        : (view, at, length) =>
            column.push(offset + 2 <= length ? view.getUint16(at + offset, true) : MISSING);
    case 8:
      if (wide)
        return (view, at, length) => {
          if (offset + 8 > length) column.push(MISSING);
          else column.pushHalves(view.getUint32(at + offset, true), view.getUint32(at + offset + 4, true));
        };
      if (column.type === 'f64')
        return (view, at, length) =>
          column.push(offset + 8 <= length ? Number(view.getBigUint64(at + offset, true)) : MISSING);
      break;
  }
  // Four bytes, and the lower half of a register that holds an int (little-endian).
  return column.type === 'i32' || (wide && field.signed)
    ? (view, at, length) => column.push(offset + 4 <= length ? view.getInt32(at + offset, true) : MISSING)
    : (view, at, length) => column.push(offset + 4 <= length ? view.getUint32(at + offset, true) : MISSING);
}

function textReader(field: EventField, column: Column, texts: Texts): FieldReader {
  const offset = field.offsetBytes ?? 0;
  const dynamic = dynamicKind(field.type);
  const decode = isText(field.type) ? cString : hexText;
  if (dynamic === undefined)
    return (view, at, length) => {
      // `char buf[]` at a record's end has size 0 and reaches to it.
      const size = Math.min(field.sizeBytes || length - offset, Math.max(0, length - offset));
      column.push(texts.indexOf(decode(view, at + offset, size)));
    };
  return (view, at, length) => {
    if (offset + 4 > length) return column.push(texts.indexOf(''));
    // Length in the upper half, place in the lower (kernel: __data_loc in include/trace/trace_events.h).
    const location = view.getUint32(at + offset, true);
    const place = (location & 0xffff) + (dynamic === 'relative' ? offset + field.sizeBytes : 0);
    const size = Math.min(location >>> 16, Math.max(0, length - place));
    column.push(texts.indexOf(decode(view, at + place, size)));
  };
}

const decoder = new TextDecoder('utf-8');

/** Bytes up to the first NUL, decoded as UTF-8; short texts without TextDecoder, whose call alone costs 0.3 µs. */
function cString(view: DataView, from: number, size: number): string {
  let text = '';
  for (let index = 0; index < size; index++) {
    const byte = view.getUint8(from + index);
    if (byte === 0) return text;
    if (byte >= 0x80) return longString(view, from, size);
    text += String.fromCharCode(byte);
  }
  return text;
}

function longString(view: DataView, from: number, size: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + from, size);
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function hexText(view: DataView, from: number, size: number): string {
  let text = '';
  for (let index = 0; index < size; index++)
    text += view
      .getUint8(from + index)
      .toString(16)
      .padStart(2, '0');
  return text;
}
