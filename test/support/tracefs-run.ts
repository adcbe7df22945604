import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RecordParser, type TraceRecord } from '../../helper/engines/tracefs/record.ts';

const root = '/sys/kernel/tracing';

/** An event by its definition in the kernel's spelling; the arguments' names must be unlike all text that is recorded. */
export interface RawEvent {
  readonly name: string;
  readonly path: string;
  readonly fileOffsetBytes: number;
  readonly arguments: readonly { readonly name: string; readonly fetch: string }[];
}

/** Why events cannot be attached here; undefined when they can. */
export function noTracefs(): string | undefined {
  return existsSync(join(root, 'uprobe_events')) ? undefined : `${root} is not mounted or not ours`;
}

/**
 * Attaches the events in an instance of their own, runs `workload` and gives each event's records in order. Nothing is
 * overwritten: when the buffer is full the later records are dropped, alike for all events of an address.
 * Events that the kernel refuses are told, by name, with its reason.
 */
export function recordDuring(
  group: string,
  events: readonly RawEvent[],
  workload: () => void,
): { records: Map<string, TraceRecord[]>; refused: Map<string, string> } {
  const list = join(root, 'uprobe_events');
  const instance = join(root, 'instances', group);
  const refused = new Map<string, string>();
  mkdirSync(instance);
  try {
    writeFileSync(join(instance, 'buffer_size_kb'), '16384');
    writeFileSync(join(instance, 'options/overwrite'), '0');
    for (const event of events) {
      const args = event.arguments.map(({ name, fetch }) => ` ${name}=${fetch}`).join('');
      try {
        appendFileSync(
          list,
          `p:${group}/${event.name} ${event.path}:0x${event.fileOffsetBytes.toString(16)}${args}\n`,
        );
      } catch (error) {
        refused.set(event.name, String(error));
      }
    }
    writeFileSync(join(instance, 'events', group, 'enable'), '1');
    workload();
    writeFileSync(join(instance, 'events', group, 'enable'), '0');
    return { records: parse(readFileSync(join(instance, 'trace'), 'latin1'), events), refused };
  } finally {
    const enable = join(instance, 'events', group, 'enable');
    if (existsSync(enable)) writeFileSync(enable, '0');
    rmdirSync(instance);
    for (const { name } of events) if (!refused.has(name)) appendFileSync(list, `-:${group}/${name}\n`);
  }
}

function parse(text: string, events: readonly RawEvent[]): Map<string, TraceRecord[]> {
  const parsers = new Map(
    events.map(({ name, arguments: args }) => [
      name,
      new RecordParser(
        name,
        args.map((each) => each.name),
        args.length,
      ),
    ]),
  );
  const records = new Map<string, TraceRecord[]>(events.map(({ name }) => [name, []]));
  for (const line of text.split('\n')) {
    const name = /: (\w+): \(0x/.exec(line)?.[1] ?? '';
    const record = parsers.get(name)?.parse(line);
    if (record !== undefined) records.get(name)?.push(record);
  }
  return records;
}
