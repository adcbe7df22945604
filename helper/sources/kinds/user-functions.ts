import { arch, release } from 'node:os';
import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { SourceGroup } from '../../../protocol/events.ts';
import { filteredProcessOf, filtersSeeReturnProbes } from '../../host/seccomp.ts';
import { DebugInfo } from '../../symbols/debug-info.ts';
import { ElfFile } from '../../symbols/elf.ts';
import { type SymbolTable, STT_FUNC } from '../../symbols/elf/symbol-table.ts';
import { findSubjects } from '../../symbols/lookup.ts';
import type { Entry, EventSource } from '../source.ts';
import { functionArguments } from './function-arguments.ts';

/** Functions of the chosen binaries, from their symbol tables, with the arguments that debug information tells of. */
export function userFunctionSource(): EventSource {
  return {
    kind: 'user-function',
    list({ binaries }) {
      const groups = binaries.map((group): SourceGroup => {
        try {
          return { group, names: [...functionsOf(ElfFile.open(group)).keys()].sort() };
        } catch (thrown) {
          const message = thrown instanceof Error ? thrown.message : String(thrown);
          return { group, names: [], refused: { code: 'no-symbols', message } };
        }
      });
      return Promise.resolve({ kind: 'user-function', groups });
    },
    async describe(entry) {
      return opened(entry, (debug, vaddr) => {
        const { arguments: args, notes } = functionArguments(debug, vaddr);
        return {
          ...entry,
          summary: `Function of ${entry.group} at 0x${vaddr.toString(16)}.`,
          fields: args.map(({ field }) => field),
          notes: [
            ...notes,
            'Its calls can be traced with result and duration: Durations in the live table, --durations on the command line.',
          ],
        };
      });
    },
    async plan(entry) {
      return opened(entry, (debug, vaddr) => {
        const fileOffsetBytes = debug.elf.fileOffsetOf(vaddr);
        if (fileOffsetBytes === undefined) throw notThere(entry);
        const { arguments: args, result } = functionArguments(debug, vaddr);
        const refusal = returnsRefusal(debug, entry);
        const common = { path: entry.group, fileOffsetBytes };
        return {
          engine: 'uprobe',
          point: {
            kind: 'function',
            path: entry.group,
            name: entry.name,
            places: new Map(
              args.flatMap(({ field, place }) => (place === undefined ? [] : [[field.name, place]])),
            ),
          },
          fields: args.map(({ field }) => field),
          definitions: (group, event) => [
            { ...common, group, event, arguments: args.map(({ fetch }) => fetch) },
          ],
          returns: {
            ...(result === undefined ? {} : { result }),
            ...(refusal === undefined ? {} : { refusal }),
            definition: (group, event) => ({
              ...common,
              group,
              event,
              onReturn: true,
              arguments: [
                {
                  name: 'ret',
                  fetch: { op: 'returnValue' },
                  stored: { as: 'integer', bytes: 8, signed: true },
                },
              ],
            }),
          },
        };
      });
    },
  };
}

async function opened<T>(entry: Entry, use: (debug: DebugInfo, vaddr: number) => T): Promise<T> {
  const debug = await DebugInfo.open(entry.group);
  try {
    const vaddr = functionsOf(debug.elf).get(entry.name);
    if (vaddr === undefined) throw notThere(entry);
    return use(debug, vaddr);
  } finally {
    debug.close();
  }
}

const notThere = ({ group, name }: Entry): ProbeError =>
  new ProbeError({
    code: 'function-not-found',
    message: `${group} has no function ${name} with code.`,
    remedy: 'It may have been rebuilt since it was listed: refresh the event sources.',
  });

/** Why its returns must not be probed: it would end the program. The same that keeps latency from being measured. */
function returnsRefusal(debug: DebugInfo, { group, name }: Entry): Problem | undefined {
  const refused = (why: string): Problem => ({
    code: 'probe-refused',
    message: `The returns of ${name} in ${group} are not probed: ${why}`,
    remedy: 'Trace its calls without durations.',
  });
  const subjects = (() => {
    try {
      return findSubjects(debug, { binary: group, function: name });
    } catch {
      // known to the symbol table alone
      return [];
    }
  })();
  for (const subject of subjects) {
    if (subject.kind !== 'function') continue;
    if (subject.bounds !== undefined)
      return refused('it is compiled by Go, whose stacks move, and a return probe would corrupt them.');
    if (subject.unwinding === 'throws')
      return refused('an exception can pass through it, and would then end the program (std::terminate).');
  }
  const filtered = filtersSeeReturnProbes(release(), arch()) ? filteredProcessOf(group) : undefined;
  return filtered === undefined
    ? undefined
    : refused(
        `process ${filtered} runs under a seccomp filter, which kernel ${release()} would let end it there.`,
      );
}

function functionsOf(elf: ElfFile): Map<string, number> {
  const found = new Map<string, number>();
  for (const table of [elf.symbols(), elf.dynamicSymbols()])
    if (table !== undefined) addFunctions(table, found);
  return found;
}

function addFunctions(table: SymbolTable, found: Map<string, number>): void {
  table.load();
  for (let index = 0; index < table.count; index++) {
    const value = table.values[index] ?? 0;
    if (table.type(index) === STT_FUNC && value !== 0 && table.sections[index] !== 0)
      found.set(table.name(index), value);
  }
}
