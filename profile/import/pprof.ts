import type { WeightUnit } from '../../protocol/profile.ts';
import { ProbeError } from '../../protocol/errors.ts';
import { ProfileBuilder } from '../builder.ts';
import { kindOfModule } from './frame-text.ts';
import type { Imported } from './notes.ts';
import { finishImport, ImportNotes } from './notes.ts';
import { ProtobufReader } from './protobuf.ts';

/** Reads pprof's profile.proto (github.com/google/pprof/proto), already unpacked. The last sample type is shown, as `go tool pprof` does. */
export function importPprof(bytes: Uint8Array, title: string): Imported {
  const notes = new ImportNotes();
  const tables = readTables(bytes, title, notes);
  const { strings, functions, locations, mappings, samples, types } = tables;
  const text = (id: number): string => strings[id] ?? '';
  const shown = types.length - 1;
  const [typeName, unitName] = [text(types[shown]?.type ?? 0), text(types[shown]?.unit ?? 0)];
  const [unit, scale] = unitOf(typeName, unitName);
  const builder = new ProfileBuilder(title, unit);
  if (tables.timeNs > 0) builder.startedAtMs = tables.timeNs / 1e6;
  if (tables.durationNs > 0) builder.durationNs = tables.durationNs;
  if (types.length > 1)
    builder.notes.push(
      `Shown is ${typeName} (${unitName}); the file also holds ${types
        .slice(0, -1)
        .map((each) => text(each.type))
        .join(', ')}.`,
    );
  /** Frames of each location, outermost first: inlined ones are inside. */
  const framesOf = new Map<number, number[]>();
  const resolve = (id: number, place: string): number[] => {
    const known = framesOf.get(id);
    if (known !== undefined) return known;
    const location = locations.get(id);
    if (location === undefined) notes.add(place, `names location ${id}, which is not there`);
    const module = text(mappings.get(location?.mapping ?? 0) ?? 0);
    const lines = location?.lines ?? [];
    const frames = lines.map(({ functionId, line }, i) => {
      const found = functions.get(functionId);
      const inlined = i < lines.length - 1;
      return builder.frame({
        name: text(found?.name ?? 0) || `0x${(location?.address ?? 0).toString(16)}`,
        file: text(found?.file ?? 0),
        line: line > 0 && line < 2 ** 32 ? line : undefined,
        module,
        kind: inlined ? 'inlined' : kindOfModule(module),
      });
    });
    if (frames.length === 0)
      frames.push(
        builder.frame({
          name: location === undefined ? '[unknown]' : `0x${location.address.toString(16)}`,
          module,
          kind: kindOfModule(module),
        }),
      );
    frames.reverse();
    framesOf.set(id, frames);
    return frames;
  };
  samples.forEach((sample, i) => {
    const place = `sample ${i}`;
    const weight = (sample.values[shown] ?? NaN) * scale;
    if (!(weight >= 0)) {
      notes.add(place, weight < 0 ? 'has a negative value' : 'has no value of the shown type');
      return;
    }
    const frames: number[] = [];
    for (let k = sample.locations.length - 1; k >= 0; k--)
      frames.push(...resolve(sample.locations[k]!, place));
    if (frames.length > 0) builder.add(builder.stack(frames), weight);
  });
  return finishImport(builder.build(), notes, 'a pprof profile');
}

function unitOf(type: string, unit: string): [WeightUnit, number] {
  const times: Readonly<Record<string, number>> = {
    nanoseconds: 1,
    microseconds: 1e3,
    milliseconds: 1e6,
    seconds: 1e9,
  };
  if (times[unit] !== undefined) return ['nanoseconds', times[unit]];
  if (unit === 'bytes') return ['bytes', 1];
  return [type === 'samples' ? 'samples' : 'count', 1];
}

interface Tables {
  readonly strings: string[];
  readonly functions: Map<number, { name: number; file: number }>;
  readonly locations: Map<
    number,
    { mapping: number; address: number; lines: { functionId: number; line: number }[] }
  >;
  /** File name's text id by mapping. */
  readonly mappings: Map<number, number>;
  readonly samples: { locations: number[]; values: number[] }[];
  readonly types: { type: number; unit: number }[];
  timeNs: number;
  durationNs: number;
}

function readTables(bytes: Uint8Array, title: string, notes: ImportNotes): Tables {
  const tables: Tables = {
    strings: [],
    functions: new Map(),
    locations: new Map(),
    mappings: new Map(),
    samples: [],
    types: [],
    timeNs: 0,
    durationNs: 0,
  };
  const reader = new ProtobufReader(bytes);
  try {
    for (let field = reader.next(); field !== undefined; field = reader.next()) {
      if (field === 9) tables.timeNs = reader.number();
      else if (field === 10) tables.durationNs = reader.number();
      else if (field <= 6 && reader.isMessage) readMessage(field, reader, tables);
      else reader.skip();
    }
  } catch (thrown) {
    // what was read before is good; what follows the damage cannot be found
    notes.add(`byte ${reader.at}`, thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (tables.samples.length === 0)
    throw new ProbeError({
      code: 'malformed-file',
      message: `${title} holds no pprof samples${notes.count > 0 ? `: ${notes.sentences().join('; ')}` : ''}.`,
      remedy: 'Check that it is a pprof profile, whole and unencrypted.',
    });
  return tables;
}

function readMessage(field: number, reader: ProtobufReader, tables: Tables): void {
  if (field === 6) {
    tables.strings.push(reader.text());
    return;
  }
  const inner = reader.message();
  const numbers = new Map<number, number>();
  const lists = new Map<number, number[]>();
  const lines: { functionId: number; line: number }[] = [];
  for (let id = inner.next(); id !== undefined; id = inner.next()) {
    if (field === 2 && id <= 2) lists.set(id, [...(lists.get(id) ?? []), ...inner.numbers()]);
    else if (field === 4 && id === 4 && inner.isMessage) {
      const line = inner.message();
      const entry = { functionId: 0, line: 0 };
      for (let part = line.next(); part !== undefined; part = line.next()) {
        if (part === 1) entry.functionId = line.number();
        else if (part === 2) entry.line = line.number();
        else line.skip();
      }
      lines.push(entry);
    } else if (inner.isNumber) numbers.set(id, inner.number());
    else inner.skip();
  }
  const number = (id: number): number => numbers.get(id) ?? 0;
  if (field === 1) tables.types.push({ type: number(1), unit: number(2) });
  else if (field === 2) tables.samples.push({ locations: lists.get(1) ?? [], values: lists.get(2) ?? [] });
  else if (field === 3) tables.mappings.set(number(1), number(5));
  else if (field === 4) tables.locations.set(number(1), { mapping: number(2), address: number(3), lines });
  else if (field === 5) tables.functions.set(number(1), { name: number(2), file: number(4) });
}
