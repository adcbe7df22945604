import { readFileSync, readdirSync } from 'node:fs';
import { families, signals } from '../../../fields/constants.ts';
import type { ColumnType, EventField, FieldDisplay, NamedValue } from '../../../protocol/events.ts';
import { type FormatField, type TracepointFormat, isArray, isPointer, isText } from '../../kernel/format.ts';
import { type ConstantLookup, displaysOf } from '../../kernel/print-format.ts';
import { meaningOf } from '../meanings.ts';

/** The fields of a tracepoint's record without the kernel's `common_` ones, with how they are shown. */
export function fieldsOf(format: TracepointFormat, constant: ConstantLookup): EventField[] {
  const displays = displaysOf(format.printFormat, constant);
  return format.fields
    .filter((field) => !field.common)
    .map((field) => {
      const meaning = meaningOf(field.name);
      return {
        name: field.name,
        type: field.type,
        offsetBytes: field.offsetBytes,
        sizeBytes: field.sizeBytes,
        signed: field.signed,
        column: columnOf(field),
        display: displays.get(field.name) ?? displayOf(field, format),
        ...(meaning === undefined ? {} : { meaning }),
      };
    });
}

export function columnOf(field: Pick<FormatField, 'type' | 'sizeBytes' | 'signed'>): ColumnType {
  if (isArray(field.type)) return 'text';
  if (field.sizeBytes === 8) return field.signed ? 'i64' : 'u64';
  return field.signed ? 'i32' : 'u32';
}

/** What the type and the name tell when the print format does not. */
function displayOf(field: FormatField, format: TracepointFormat): FieldDisplay {
  const { name, type, sizeBytes } = field;
  if (isText(type)) return { as: name === 'rwbs' ? 'rwbs' : 'text' };
  if (isArray(type)) return { as: addressDisplay(name, sizeBytes) };
  if (type === 'dev_t') return { as: 'device', values: blockDevices() };
  if (type === 'bool') return { as: 'boolean' };
  if (/^(?:umode_t|mode_t)$/.test(type)) return { as: 'mode' };
  if (name === 'sig') return { as: 'enum', values: signals };
  if (name === 'family') return { as: 'enum', values: families };
  if (field.signed && /^(?:ret|error|err|errno|status|rc)$/.test(name)) return { as: 'errno' };
  if (name === 'call_site' || name === 'function' || format.printFormat.includes(`%pS", REC->${name}`))
    return { as: 'symbol' };
  if (isPointer(type)) return { as: 'hex' };
  return { as: /flags$|mask$|addr$/.test(name) ? 'hex' : 'number' };
}

function addressDisplay(name: string, sizeBytes: number): 'ipv4' | 'ipv6' | 'sockaddr' | 'mac' | 'bytes' {
  if (sizeBytes === 4 && /addr/.test(name)) return 'ipv4';
  if (sizeBytes === 16 && /addr/.test(name)) return 'ipv6';
  if (sizeBytes === 28 && /addr/.test(name)) return 'sockaddr';
  return sizeBytes === 6 ? 'mac' : 'bytes';
}

/** Block devices and partitions by the kernel's dev_t: `/proc/partitions` has them, loop devices without a file too in /sys. */
export function blockDevices(): NamedValue[] {
  const values: NamedValue[] = [];
  try {
    for (const device of readdirSync('/sys/class/block')) {
      const [major, minor] = readFileSync(`/sys/class/block/${device}/dev`, 'utf8')
        .trim()
        .split(':')
        .map(Number);
      if (major !== undefined && minor !== undefined)
        values.push({ name: device, value: major * 2 ** 20 + minor });
    }
  } catch {
    // No sysfs in this container: devices are shown by number.
  }
  return values;
}
