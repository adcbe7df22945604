import type { KnownCatalog } from '../known-catalog.ts';
import { hardwareEvents, softwareEvents } from '../tables/probes.ts';
import { PackedNames } from '../packed-names.ts';
import { NameIndex } from './fuzzy.ts';

/** The names of all probes that a target has, for completion. Built once a catalog: about 100 ms for 100,000 names. */
export interface ProbeNames {
  /** Whole attach points that fit what was typed, best first. */
  search(text: string, limit: number): string[];
}

/** Where no target is known: nothing but what every kernel has. */
export function probeNames(catalog: KnownCatalog | undefined): ProbeNames {
  const tracepoints: string[] = [];
  for (const [category, events] of Object.entries(catalog?.tracepoints ?? {}))
    for (const event of Object.keys(events)) tracepoints.push(`${category}:${event}`);
  const perf = (events: typeof softwareEvents): string[] => events.map(({ name }) => `${name}:`);
  const groups = new Map<string, () => NameIndex>();
  const lazyPacked = (names: () => PackedNames): (() => NameIndex) => {
    let index: NameIndex | undefined;
    return () => (index ??= new NameIndex(names()));
  };
  const lazy = (names: () => string[]): (() => NameIndex) => lazyPacked(() => PackedNames.of(names()));
  const functions = lazyPacked(() => catalog?.functions.names ?? PackedNames.of([]));
  const usdt = lazy(() => binaryNames(catalog, 'usdt'));
  const user = lazy(() => binaryNames(catalog, 'functions'));
  const add = (words: readonly string[], index: () => NameIndex): void => {
    for (const word of words) groups.set(word, index);
  };
  add(
    ['tracepoint', 't'],
    lazy(() => tracepoints),
  );
  add(
    ['rawtracepoint', 'rt'],
    lazy(() => tracepoints.map((name) => name.slice(name.indexOf(':') + 1))),
  );
  add(['kprobe', 'k', 'kretprobe', 'kr', 'fentry', 'fexit', 'kfunc', 'kretfunc', 'f', 'fr'], functions);
  add(['uprobe', 'u', 'uretprobe', 'ur'], user);
  add(['usdt', 'U'], usdt);
  add(
    ['software', 's'],
    lazy(() => perf(softwareEvents)),
  );
  add(
    ['hardware', 'h'],
    lazy(() => perf(hardwareEvents)),
  );
  add(
    ['interval', 'i', 'profile', 'p'],
    lazy(() => ['hz:', 's:', 'ms:', 'us:']),
  );
  add(
    ['iter', 'it'],
    lazy(() => [...(catalog?.iterators ?? ['task', 'task_file', 'task_vma'])]),
  );
  const all = lazy(() => [
    ...tracepoints.map((name) => `tracepoint:${name}`),
    ...Array.from(catalog?.functions.names ?? [], (name) => `kprobe:${name}`),
  ]);
  return { search: (text, limit) => searchNames(groups, all, text, limit) };
}

function searchNames(
  groups: ReadonlyMap<string, () => NameIndex>,
  all: () => NameIndex,
  text: string,
  limit: number,
): string[] {
  const colon = text.indexOf(':');
  const provider = colon < 0 ? '' : text.slice(0, colon);
  const group = groups.get(provider);
  const index = group === undefined ? all() : group();
  const query = group === undefined ? text : text.slice(colon + 1);
  const prefix = group === undefined ? '' : `${provider}:`;
  return index.search(query.replaceAll('*', ''), limit).map((found) => prefix + index.names.at(found));
}

function binaryNames(catalog: KnownCatalog | undefined, which: 'functions' | 'usdt'): string[] {
  return Object.entries(catalog?.binaries ?? {}).flatMap(([path, binary]) =>
    binary[which].map((name) => `${path}:${name}`),
  );
}
