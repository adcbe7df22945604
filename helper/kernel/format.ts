/**
 * Tracepoint formats: `events/SUBSYSTEM/NAME/format` of tracefs, as the kernel's f_show() prints them
 * (kernel documentation: trace/events.rst, "Event formats").
 */

/** One field of the record in the ring buffer. */
export interface FormatField {
  readonly name: string;
  /** The declaration without the name: `unsigned int`, `char[16]`, `__data_loc char[]`, `const char *`. */
  readonly type: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly signed: boolean;
  /** One of the kernel's four `common_` fields. */
  readonly common: boolean;
}

export interface TracepointFormat {
  readonly name: string;
  /** The number that stands for the event in the ring buffer (`common_type`). */
  readonly id: number;
  readonly fields: readonly FormatField[];
  /** The text after `print fmt:`; empty when the file has none. */
  readonly printFormat: string;
  /** Lines that could not be read, as they stand: the fields in them are missing above. */
  readonly unreadable: readonly string[];
}

const FIELD = /^\s*field:(.*);\s*offset:(\d+);\s*size:(\d+);(?:\s*signed:([01]);)?\s*$/;
// The name is the last identifier before an optional array dimension; `unsigned long caller[8]`, `char * s`.
const DECLARATION = /^(.*?)\s*\b([A-Za-z_]\w*)\s*((?:\[[^\]]*\])*)$/s;

/**
 * Parses a format file. Never throws: what cannot be read is listed in `unreadable`. A file without name or ID gives
 * an empty name or the id −1.
 */
export function parseFormat(text: string): TracepointFormat {
  let name = '';
  let id = -1;
  let printFormat = '';
  const fields: FormatField[] = [];
  const unreadable: string[] = [];
  const lines = text.split('\n');
  for (const [index, rawLine] of lines.entries()) {
    const line = rawLine.replace(/\r$/, '');
    if (line.startsWith('name:')) name = line.slice(5).trim();
    else if (line.startsWith('ID:')) id = parseId(line.slice(3), line, unreadable);
    else if (line.startsWith('print fmt:')) {
      // The print format is the last entry and may hold line breaks.
      printFormat = [line.slice(10), ...lines.slice(index + 1)].join('\n').trim();
      break;
    } else if (line.trimStart().startsWith('field')) {
      const field = parseField(line);
      if (field === undefined) unreadable.push(line);
      else fields.push(field);
    } else if (line.trim() !== '' && line.trim() !== 'format:') unreadable.push(line);
  }
  return { name, id, fields, printFormat, unreadable };
}

function parseId(text: string, line: string, unreadable: string[]): number {
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text);
  unreadable.push(line);
  return -1;
}

function parseField(line: string): FormatField | undefined {
  const match = FIELD.exec(line);
  if (match === null) return undefined;
  const declaration = DECLARATION.exec(match[1] ?? '');
  const [, base = '', name = '', dimension = ''] = declaration ?? [];
  const offsetBytes = Number(match[2]);
  const sizeBytes = Number(match[3]);
  // 2^16 is far above any record: a sub-buffer page holds the whole event.
  if (declaration === null || base === '' || offsetBytes > 65536 || sizeBytes > 65536) return undefined;
  return {
    name,
    type: base + dimension,
    offsetBytes,
    sizeBytes,
    signed: match[4] === '1',
    common: name.startsWith('common_'),
  };
}

/** Where the bytes of a dynamic field lie: `__data_loc` from the record's start, `__rel_loc` from the field's end. */
export function dynamicKind(type: string): 'data' | 'relative' | undefined {
  if (type.startsWith('__data_loc ')) return 'data';
  return type.startsWith('__rel_loc ') ? 'relative' : undefined;
}

/** The field holds text: a `char` array of fixed or dynamic size. Arrays of u8 are bytes. */
export function isText(type: string): boolean {
  return /^(?:(?:__data_loc|__rel_loc) )?(?:const )?char ?\[/.test(type);
}

export function isArray(type: string): boolean {
  return type.endsWith(']') || dynamicKind(type) !== undefined;
}

export function isPointer(type: string): boolean {
  return /\*(?: ?const)?$/.test(type);
}
