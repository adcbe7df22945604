import type { Reading } from '../../symbols/expression/reading.ts';
import type { ValueFormat } from '../../symbols/expression/template.ts';
import { constant, type Term } from '../../symbols/values/term.ts';
import type { Evaluate, FetchPlan, Hit } from './fetch.ts';

/** One value as people see it, and as data: numbers beyond 2^53 are decimal text. */
export interface Shown {
  readonly text: string;
  readonly data: ShownData;
}

export type ShownData =
  string | number | boolean | null | readonly ShownData[] | { readonly [name: string]: ShownData };

/** What a hit itself knows. */
export interface HitFacts {
  /** Undefined when the process had ended before its hits were read. */
  readonly pid: number | undefined;
  readonly tid: number;
  readonly cpu: number;
  readonly command: string;
  readonly timestampNs: number;
}

export type Show = (hit: Hit, facts: HitFacts) => Shown;

/** Memory that is not there: a null or wild pointer. */
const UNREADABLE: Shown = { text: '<unreadable>', data: null };
/** Longest text shown of one that may have no end. */
const LONGEST_TEXT = 512;

/** Adds what a reading needs to the plan and compiles how it is shown. */
export function compileShow(plan: FetchPlan, reading: Reading, format: ValueFormat = ''): Show {
  switch (reading.kind) {
    case 'integer':
      return integerShow(plan.number(reading.term), reading, format);
    case 'float':
      return floatShow(plan.number(reading.term), reading.bytes);
    case 'text':
      return textShow(plan, reading.term, format);
    case 'counted-text':
      return countedShow(plan, reading);
    case 'characters':
      return showBytes(plan.bytes(reading.address, reading.bytes), (bytes) => untilNul(bytes));
    case 'list':
      return listShow(plan, reading, format);
    case 'struct': {
      const fields = reading.fields.map(({ name, reading: field }) => ({
        name,
        show: compileShow(plan, field, format),
      }));
      return (hit, facts) => {
        const shown = fields.map(({ name, show }) => ({ name, ...show(hit, facts) }));
        const text = shown.map((field) => `${field.name}=${field.text}`).join(', ');
        return {
          text: `{${text}${reading.cut ? ', …' : ''}}`,
          data: Object.fromEntries(shown.map((field) => [field.name, field.data])),
        };
      };
    }
    case 'variant':
      return variantShow(plan, reading, format);
    case 'builtin':
      return (_, facts) => builtinShow(reading.name, facts);
    case 'missing':
      return () => ({ text: `<${reading.reason.replace(/\.$/, '')}>`, data: null });
  }
}

type Integer = Extract<Reading, { kind: 'integer' }>;

function integerShow(value: Evaluate<bigint>, reading: Integer, format: ValueFormat): Show {
  const { bits, signed, show } = reading;
  return (hit) => {
    const raw = value(hit);
    if (raw === undefined) return UNREADABLE;
    const number = signed ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw);
    const data = dataOf(number);
    if (format !== '') return { text: formatted(number, bits, format), data };
    if (show === 'number') return { text: String(number), data };
    if (show === 'pointer') return { text: `0x${number.toString(16)}`, data: `0x${number.toString(16)}` };
    if (show === 'boolean') return { text: number === 0n ? 'false' : 'true', data: number !== 0n };
    if (show === 'character') return { text: characterText(number), data };
    const name = show.get(number);
    return { text: name ?? String(number), data: name ?? data };
  };
}

function formatted(number: bigint, bits: number, format: ValueFormat): string {
  const unsigned = BigInt.asUintN(bits, number);
  switch (format) {
    case 'd':
      return String(BigInt.asIntN(bits, number));
    case 'u':
      return String(unsigned);
    case 'x':
    case 'p':
      return `0x${unsigned.toString(16)}`;
    case 'o':
      return `0${unsigned.toString(8)}`;
    case 'b':
      return `0b${unsigned.toString(2)}`;
    case 'c':
      return characterText(number);
    case 's':
    case '':
      return String(number);
  }
}

function characterText(number: bigint): string {
  const code = Number(BigInt.asUintN(32, number));
  if (code === 0) return "'\\0'";
  return code > 31 && code !== 127 && code < 0x11_00_00
    ? `'${String.fromCodePoint(code)}'`
    : `'\\x${(code & 0xff).toString(16).padStart(2, '0')}'`;
}

function floatShow(value: Evaluate<bigint>, bytes: 4 | 8): Show {
  const view = new DataView(new ArrayBuffer(8));
  return (hit) => {
    const raw = value(hit);
    if (raw === undefined) return UNREADABLE;
    view.setBigUint64(0, BigInt.asUintN(64, raw), true);
    const number = bytes === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
    const text = bytes === 4 ? String(Number(number.toPrecision(9))) : String(number);
    return { text, data: Number.isFinite(number) ? number : text };
  };
}

function textShow(plan: FetchPlan, pointer: Term, format: ValueFormat): Show {
  if (format !== '' && format !== 's')
    return integerShow(
      plan.number(pointer),
      { kind: 'integer', term: pointer, bits: 64, signed: false, show: 'pointer' },
      format,
    );
  const value = plan.number(pointer);
  const text = showBytes(plan.text(pointer), (bytes) => bytes);
  return (hit, facts) => (value(hit) === 0n ? { text: '<null>', data: null } : text(hit, facts));
}

function countedShow(plan: FetchPlan, reading: Extract<Reading, { kind: 'counted-text' }>): Show {
  const length = plan.number(reading.length);
  const bytes = plan.bytes(reading.address, reading.mostBytes);
  return (hit) => {
    const count = length(hit);
    if (count === undefined) return UNREADABLE;
    if (count === 0n) return { text: '""', data: '' };
    const read = bytes(hit);
    if (read === undefined) return UNREADABLE;
    const whole = count <= BigInt(read.length);
    const text = decode(read.subarray(0, Number(whole ? count : BigInt(read.length))));
    return { text: `${quote(text)}${whole ? '' : '…'}`, data: text };
  };
}

function showBytes(value: Evaluate<Buffer>, cut: (bytes: Buffer) => Buffer): Show {
  return (hit) => {
    const bytes = value(hit);
    if (bytes === undefined) return UNREADABLE;
    const text = decode(cut(bytes));
    return {
      text: text.length > LONGEST_TEXT ? `${quote(text.slice(0, LONGEST_TEXT))}…` : quote(text),
      data: text,
    };
  };
}

function listShow(plan: FetchPlan, reading: Extract<Reading, { kind: 'list' }>, format: ValueFormat): Show {
  const items = reading.items.map((item) => compileShow(plan, item, format));
  const length = plan.number(reading.length ?? constant(reading.from + items.length));
  return (hit, facts) => {
    const count = length(hit);
    if (count === undefined) return UNREADABLE;
    const there = Number(BigInt.asIntN(64, count)) - reading.from;
    const shown = items.slice(0, Math.max(0, Math.min(items.length, there))).map((show) => show(hit, facts));
    const more = there > items.length && reading.length !== undefined ? `, … ${count} in all` : '';
    return {
      text: `[${shown.map(({ text }) => text).join(', ')}${more}]`,
      data: shown.map(({ data }) => data),
    };
  };
}

/** As Rust has it, `Circle(1.5)`, `Rect {w=3}`, `Empty`; as data, which is how serde writes it, `{"Circle": [1.5]}`, `{"Rect": {"w": 3}}`, `"Empty"`. */
function variantShow(
  plan: FetchPlan,
  { discriminant, cases }: Extract<Reading, { kind: 'variant' }>,
  format: ValueFormat,
): Show {
  const value = plan.number(discriminant);
  const compiled = cases.map((each) => ({ ...each, show: caseShow(plan, each.reading, format) }));
  return (hit, facts) => {
    const tag = value(hit);
    if (tag === undefined) return UNREADABLE;
    const taken =
      compiled.find((each) => each.value === tag) ?? compiled.find((each) => each.value === undefined);
    if (taken === undefined) return { text: `<no case has discriminant ${tag}>`, data: null };
    const inner = taken.show(hit, facts);
    return inner === undefined
      ? { text: taken.name, data: taken.name }
      : { text: `${taken.name}${inner.text}`, data: { [taken.name]: inner.data } };
  };
}

/** What stands behind a case's name; nothing where it has no fields. */
function caseShow(
  plan: FetchPlan,
  reading: Reading,
  format: ValueFormat,
): (...hit: Parameters<Show>) => Shown | undefined {
  if (reading.kind === 'struct' && reading.fields.length === 0) return () => undefined;
  const isTuple = reading.kind === 'struct' && reading.fields.every(({ name }) => /^__\d+$/.test(name));
  if (reading.kind !== 'struct' || !isTuple) {
    const show = compileShow(plan, reading, format);
    return (hit, facts) => {
      const shown = show(hit, facts);
      return { ...shown, text: ` ${shown.text}` };
    };
  }
  const fields = reading.fields.map((field) => compileShow(plan, field.reading, format));
  return (hit, facts) => {
    const shown = fields.map((show) => show(hit, facts));
    return {
      text: `(${shown.map(({ text }) => text).join(', ')}${reading.cut ? ', …' : ''})`,
      data: shown.map(({ data }) => data),
    };
  };
}

function builtinShow(name: Extract<Reading, { kind: 'builtin' }>['name'], facts: HitFacts): Shown {
  const plain = (value: string | number | undefined): Shown =>
    value === undefined ? UNREADABLE : { text: String(value), data: value };
  switch (name) {
    case '$pid':
      return plain(facts.pid);
    case '$tid':
      return plain(facts.tid);
    case '$cpu':
      return plain(facts.cpu);
    case '$comm':
      return plain(facts.command);
    case '$time':
      return plain(facts.timestampNs);
  }
}

function dataOf(number: bigint): ShownData {
  const plain = Number(number);
  return Number.isSafeInteger(plain) ? plain : String(number);
}

function untilNul(bytes: Buffer): Buffer {
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}

/** UTF-8; bytes that are none become the replacement character. */
function decode(bytes: Buffer): string {
  return bytes.toString('utf8');
}

function quote(text: string): string {
  return JSON.stringify(text);
}
