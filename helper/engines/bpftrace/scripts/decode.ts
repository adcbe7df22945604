import type {
  HistBucket,
  LogKind,
  ScriptMap,
  SeriesMap,
  StatsMap,
  ValuesMap,
} from '../../../../protocol/script.ts';
import { Digits, Pairs, readJson, type Json } from './json.ts';

/** What one line of a script's output says. Places count from 0. */
export type ScriptLine =
  | { readonly kind: 'log'; readonly log: LogKind; readonly text: string; readonly place?: ScriptPlace }
  | { readonly kind: 'map'; readonly map: ScriptMap }
  | { readonly kind: 'attached'; readonly probes: number }
  | { readonly kind: 'lost'; readonly events: number }
  | { readonly kind: 'blank' };

export interface ScriptPlace {
  readonly line: number;
  /** In bytes from the line's start. */
  readonly column: number;
}

/** Entries of one map that are sent; a map of more says how many it has. */
export const MOST_ENTRIES = 100_000;

const textTypes: Readonly<Partial<Record<string, LogKind>>> = {
  printf: 'printf',
  time: 'time',
  cat: 'cat',
  join: 'join',
  syscall: 'syscall',
};
const remarkTypes: Readonly<Partial<Record<string, LogKind>>> = {
  warnf: 'warning',
  errorf: 'error',
  helper_error: 'error',
  runtime_error: 'error',
};

/**
 * Reads `bpftrace -f json` of 0.17 to 0.27, line by line. Never throws: what is no JSON (warnings on standard output,
 * lines that were cut) is text of the engine's. Keeps one thing between lines: whether 0.27 has begun to print in hexadecimal.
 */
export class ScriptDecoder {
  #hexadecimal = false;

  decode(line: string): ScriptLine {
    if (line.trim() === '') return { kind: 'blank' };
    const message = line.startsWith('{') ? readJson(line) : undefined;
    if (!(message instanceof Pairs)) return { kind: 'log', log: 'engine', text: line };
    const type = message.get('type');
    const data = message.get('data');
    if (typeof type !== 'string') return { kind: 'log', log: 'engine', text: line };
    const asText = textTypes[type];
    if (asText !== undefined && typeof data === 'string') return { kind: 'log', log: asText, text: data };
    const remark = remarkTypes[type];
    if (remark !== undefined) return remarkLine(remark, type, message);
    switch (type) {
      case 'attached_probes':
        return { kind: 'attached', probes: data instanceof Pairs ? numberOf(data.get('probes')) : 0 };
      case 'lost_events':
        return { kind: 'lost', events: data instanceof Pairs ? numberOf(data.get('events')) : 0 };
      case 'value':
        return { kind: 'log', log: 'value', text: data === undefined ? '' : textOf(data) };
      case 'benchmark_result':
        return { kind: 'log', log: 'benchmark', text: benchmarkText(data) };
      case 'map':
      case 'hist':
      case 'stats':
      case 'tseries': {
        const map = this.#map(type, data);
        if (map !== undefined) return { kind: 'map', map };
      }
    }
    return { kind: 'log', log: 'engine', text: line };
  }

  #map(type: 'map' | 'hist' | 'stats' | 'tseries', data: Json | undefined): ScriptMap | undefined {
    const pair = data instanceof Pairs && data.pairs.length === 1 ? data.pairs[0] : undefined;
    if (pair === undefined) return undefined;
    const [name, value] = pair;
    switch (type) {
      case 'map':
        return this.#values(name, value);
      case 'hist':
        return histOf(name, value);
      case 'stats':
        return statsOf(name, value);
      case 'tseries':
        return this.#series(name, value);
    }
  }

  #values(name: string, value: Json): ValuesMap {
    // a record of 0.25 looks like a map with its fields for keys; so it is shown
    if (!(value instanceof Pairs)) {
      const text = textOf(value);
      return {
        kind: 'values',
        name,
        keyed: false,
        keys: [''],
        texts: [text],
        numbers: [exact(value)],
        total: 1,
      };
    }
    const merged = new Map<string, Json>();
    let total = 0;
    for (const [rawKey, one] of value.pairs) {
      const key = unescapeKey(rawKey);
      if (/\n\t?[0-9a-f]{6,16}/.test(key)) this.#hexadecimal = true;
      const before = merged.get(key);
      if (before !== undefined) merged.set(key, added(before, one));
      else if (++total <= MOST_ENTRIES) merged.set(key, one);
    }
    const values = [...merged.values()];
    return {
      kind: 'values',
      name,
      keyed: true,
      keys: [...merged.keys()],
      texts: values.map(textOf),
      numbers: values.map(exact),
      total,
    };
  }

  #series(name: string, value: Json): SeriesMap | undefined {
    const keyed = value instanceof Pairs;
    const lists = keyed ? value.pairs : ([['', value]] as const);
    const digits = lists.flatMap(([, list]) =>
      Array.isArray(list)
        ? list.map((point: Json) => (point instanceof Pairs ? point.get('value') : undefined))
        : [],
    );
    // one value with a letter tells that all of the line are hexadecimal, and a stack with addresses that was printed before does
    const hexadecimal =
      digits.some((one) => one instanceof Digits && /^-?\d*[a-f][\da-f]*$/i.test(one.text)) &&
      digits.every((one) => !(one instanceof Digits) || /^-?[\da-f]+$/i.test(one.text));
    if (hexadecimal) this.#hexadecimal = true;
    const series = lists.slice(0, MOST_ENTRIES).map(([key, list]) => ({
      key: unescapeKey(key),
      points: Array.isArray(list) ? list.flatMap((point: Json) => this.#point(point)) : [],
    }));
    return { kind: 'tseries', name, keyed, series, total: lists.length };
  }

  #point(point: Json): { startMs: number; value: number | null }[] {
    if (!(point instanceof Pairs)) return [];
    const start = point.get('interval_start');
    const startMs = typeof start === 'string' ? wallClock(start) : undefined;
    if (startMs === undefined) return [];
    const value = point.get('value');
    const text = value instanceof Digits ? value.text : typeof value === 'string' ? value : undefined;
    if (text === undefined) return [{ startMs, value: null }];
    const number = this.#hexadecimal && /^-?[\da-f]+$/i.test(text) ? parseInt(text, 16) : Number(text);
    return [{ startMs, value: Number.isFinite(number) ? number : null }];
  }
}

function histOf(name: string, value: Json): HistMap {
  const keyed = value instanceof Pairs;
  const lists = keyed ? value.pairs : ([['', value]] as const);
  const series = lists.slice(0, MOST_ENTRIES).map(([key, list]) => ({
    key: unescapeKey(key),
    buckets: Array.isArray(list) ? list.flatMap((bucket: Json) => bucketOf(bucket)) : [],
  }));
  return { kind: 'hist', name, keyed, series, total: lists.length };
}

type HistMap = Extract<ScriptMap, { kind: 'hist' }>;

function bucketOf(bucket: Json): HistBucket[] {
  if (!(bucket instanceof Pairs)) return [];
  const low = bucket.get('min');
  const high = bucket.get('max');
  return [
    {
      ...(low === undefined ? {} : { low: numberOf(low) }),
      ...(high === undefined ? {} : { high: numberOf(high) }),
      count: numberOf(bucket.get('count')),
    },
  ];
}

/** `{count, average, total}` of stats(), a bare number of avg(), either of them by key. */
function statsOf(name: string, value: Json): StatsMap {
  const isOne = !(value instanceof Pairs) || value.get('average') instanceof Digits;
  const entries = isOne ? ([['', value]] as const) : value.pairs;
  return {
    kind: 'stats',
    name,
    keyed: !isOne,
    entries: entries.slice(0, MOST_ENTRIES).map(([key, one]) => {
      if (!(one instanceof Pairs)) return { key: unescapeKey(key), average: textOf(one) };
      const [average, count, sum] = ['average', 'count', 'total'].map((field) =>
        textOf(one.get(field) ?? ''),
      );
      return { key: unescapeKey(key), average: average ?? '', count: count ?? '', sum: sum ?? '' };
    }),
    total: entries.length,
  };
}

function remarkLine(log: LogKind, type: string, message: Pairs): ScriptLine {
  const data = message.get('data');
  const field = (name: string): Json | undefined =>
    message.get(name) ?? (data instanceof Pairs ? data.get(name) : undefined);
  const said = field('msg') ?? (typeof data === 'string' ? data : undefined);
  const helper = field('helper');
  const text = [
    ...(typeof helper === 'string' ? [`${helper}:`] : []),
    typeof said === 'string' ? said.replace(/\n$/, '') : type,
  ].join(' ');
  const line = numberOf(field('line'));
  if (line === 0) return { kind: 'log', log, text };
  return {
    kind: 'log',
    log,
    text,
    place: { line: line - 1, column: Math.max(0, numberOf(field('col')) - 1) },
  };
}

function benchmarkText(data: Json | undefined): string {
  if (!(data instanceof Pairs)) return '';
  return data.pairs
    .map(([name, result]) =>
      result instanceof Pairs
        ? `${name}: ${textOf(result.get('average') ?? '')} ns on average of ${textOf(result.get('iters') ?? '')}`
        : `${name}: ${textOf(result)}`,
    )
    .join('\n');
}

/** 0.23 escapes a key's line ends a second time. */
function unescapeKey(key: string): string {
  return key.includes('\\n') ? key.replaceAll('\\n', '\n').replaceAll('\\t', '\t') : key;
}

/** As bpftrace's own text form writes it: tuples in parentheses, records with their names. */
function textOf(value: Json): string {
  if (value instanceof Digits) return value.text;
  if (value instanceof Pairs)
    return `{ ${value.pairs.map(([key, one]) => `${key}: ${textOf(one)}`).join(', ')} }`;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || value === null) return String(value);
  return `(${value.map(textOf).join(', ')})`;
}

/** From 0.24 on numbers beyond 2^53 come as text. */
function exact(value: Json): number | null {
  if (value instanceof Digits) return value.value;
  return typeof value === 'string' && /^-?\d{16,20}$/.test(value) ? Number(value) : null;
}

function numberOf(value: Json | undefined): number {
  if (value === undefined) return 0;
  return value instanceof Digits ? (value.value ?? 0) : (exact(value) ?? 0);
}

/** Two values of one key that were printed apart. */
function added(a: Json, b: Json): Json {
  if (!(a instanceof Digits) || !(b instanceof Digits)) return b;
  return /^-?\d+$/.test(a.text) && /^-?\d+$/.test(b.text)
    ? new Digits((BigInt(a.text) + BigInt(b.text)).toString())
    : b;
}

/** `2026-11-25 21:10:43.700000000`; the target's local time, read as UTC, for only differences matter. */
function wallClock(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const seconds = Date.parse(`${match[1]}T${match[2]}Z`);
  return Number.isNaN(seconds) ? undefined : seconds + Number(`0.${match[3] ?? '0'}`) * 1000;
}
