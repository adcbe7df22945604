import type { ConstantLookup } from '../../kernel/print-format.ts';
import type { Tracepoints } from '../../kernel/tracefs.ts';
import type { Entry, EventSource } from '../source.ts';
import { fieldsOf } from './tracepoint-fields.ts';

/** Every tracepoint of the kernel, by subsystem. Events that somebody defined (uprobe_events) are among them. */
export function tracepointSource(
  tracepoints: () => Promise<Tracepoints>,
  constant: ConstantLookup,
): EventSource {
  const describe = async (entry: Entry) => {
    const format = (await tracepoints()).format(`${entry.group}:${entry.name}`);
    return { format, fields: fieldsOf(format, constant) };
  };
  return {
    kind: 'tracepoint',
    async list() {
      const groups = await (await tracepoints()).bySubsystem();
      return { kind: 'tracepoint', groups: [...groups].map(([group, names]) => ({ group, names })) };
    },
    async describe(entry) {
      const { format, fields } = await describe(entry);
      return {
        ...entry,
        summary: `Tracepoint of the subsystem ${entry.group}, number ${format.id}.`,
        fields,
        format: (await tracepoints()).formatText(`${entry.group}:${entry.name}`),
        notes:
          format.unreadable.length === 0
            ? []
            : [
                `${format.unreadable.length} lines of its format file could not be read: ${format.unreadable.join(' ⏎ ')}`,
              ],
      };
    },
    async plan(entry) {
      const { fields } = await describe(entry);
      return { engine: 'tracefs', tracepoint: `${entry.group}:${entry.name}`, fields };
    },
  };
}
