import { ProbeError } from '../../../protocol/errors.ts';
import type { EventField, SourceGroup } from '../../../protocol/events.ts';
import type { Fetch, FetchArgument, UprobeDefinition } from '../../engines/tracefs/definition.ts';
import { listProcesses } from '../../host/processes.ts';
import { ElfFile } from '../../symbols/elf.ts';
import { type SymbolTable, STT_FUNC } from '../../symbols/elf/symbol-table.ts';
import { type UsdtProbe, usdtProbes } from '../../symbols/usdt.ts';
import type { UsdtArgument } from '../../symbols/usdt/operands.ts';
import type { Entry, EventSource, UserPoint } from '../source.ts';

/** USDT probes of the chosen binaries and of those that run now; the group is the binary's path. */
export function usdtSource(): EventSource {
  return {
    kind: 'usdt',
    async list({ binaries }) {
      const running = (await listProcesses()).map((process) => process.executable);
      const paths = [...new Set([...binaries, ...running.filter((path) => path !== undefined)])];
      const groups = paths.map((path): SourceGroup | undefined => {
        const names = [...new Set(probesOf(path).map((probe) => `${probe.provider}/${probe.name}`))].sort();
        return names.length === 0 ? undefined : { group: path, names };
      });
      return { kind: 'usdt', groups: groups.filter((group) => group !== undefined) };
    },
    describe(entry) {
      const probes = find(entry);
      const [first] = probes;
      const semaphore = probes.some((probe) => probe.semaphore !== undefined);
      return Promise.resolve({
        ...entry,
        summary: `USDT probe of the provider ${first?.provider}, ${probes.length === 1 ? 'at one place' : `at ${probes.length} places`} of the binary.`,
        fields: fieldsOf(first?.arguments ?? []),
        format: probes.map((probe) => `0x${probe.vaddr.toString(16)}  ${probe.argumentText}`).join('\n'),
        notes: semaphore
          ? [
              'It has a semaphore: the program prepares its arguments only while somebody traces. The kernel counts it up for us.',
            ]
          : [],
      });
    },
    plan(entry) {
      const probes = find(entry);
      const args = probes[0]?.arguments ?? [];
      return Promise.resolve({
        engine: 'uprobe',
        point: pointOf(entry),
        fields: fieldsOf(args),
        definitions: (group, event) =>
          probes.map((probe): UprobeDefinition => ({
            group,
            event,
            path: entry.group,
            fileOffsetBytes: probe.fileOffsetBytes,
            ...(probe.semaphore === undefined
              ? {}
              : { referenceCounterOffsetBytes: probe.semaphore.fileOffsetBytes }),
            arguments: probe.arguments.flatMap(fetchesOf),
          })),
      });
    },
  };
}

/** An entry of USDT is `PROVIDER/NAME` of a binary. */
function pointOf({ group, name }: Entry): UserPoint {
  const slash = name.indexOf('/');
  return { kind: 'usdt', path: group, provider: name.slice(0, slash), name: name.slice(slash + 1) };
}

function probesOf(path: string): UsdtProbe[] {
  try {
    return usdtProbes(ElfFile.open(path));
  } catch {
    // Scripts, and binaries that this user may not read: they have no probes to offer.
    return [];
  }
}

function find(entry: Entry): UsdtProbe[] {
  const probes = usdtProbes(ElfFile.open(entry.group)).filter(
    (probe) => `${probe.provider}/${probe.name}` === entry.name,
  );
  if (probes.length === 0)
    throw new ProbeError({
      code: 'probe-refused',
      message: `${entry.group} has no USDT probe ${entry.name}.`,
      remedy: 'It may have been rebuilt since it was listed: refresh the event sources.',
    });
  return probes;
}

/** An argument of pointer size may be a text: the note does not say, so its memory is read as one too. */
function mayBeText(argument: UsdtArgument): boolean {
  return argument.sizeBytes === 8 && !argument.float && argument.operand.kind !== 'immediate';
}

function fieldsOf(args: readonly UsdtArgument[]): EventField[] {
  return args.flatMap((argument, index): EventField[] => {
    if (fetchOf(argument) === undefined) return [];
    const { sizeBytes, signed } = argument;
    const wide = sizeBytes === 8;
    const number: EventField = {
      name: `arg${index}`,
      type: `${signed ? 's' : 'u'}${sizeBytes * 8}`,
      sizeBytes,
      signed,
      column: wide ? (signed ? 'i64' : 'u64') : signed ? 'i32' : 'u32',
      display: { as: wide && !signed ? 'hex' : 'number' },
      meaning: `argument ${index}, ${argument.text} in the note`,
    };
    if (!mayBeText(argument)) return [number];
    return [
      number,
      {
        name: `text${index}`,
        type: '__data_loc char[]',
        sizeBytes: 4,
        signed: false,
        column: 'text',
        display: { as: 'text' },
        meaning: `the text at argument ${index}, empty where it is no address of one`,
      },
    ];
  });
}

function fetchesOf(argument: UsdtArgument, index: number): FetchArgument[] {
  const fetch = fetchOf(argument);
  if (fetch === undefined) return [];
  const bytes = argument.sizeBytes as 1 | 2 | 4 | 8;
  const number: FetchArgument = {
    name: `arg${index}`,
    fetch,
    stored: { as: 'integer', bytes, signed: argument.signed },
  };
  if (!mayBeText(argument)) return [number];
  return [
    number,
    { name: `text${index}`, fetch: { op: 'memory', base: fetch, offsetBytes: 0 }, stored: { as: 'string' } },
  ];
}

/** Undefined for operands that the kernel cannot read: scaled indices, symbols, floating point. */
function fetchOf({ operand, float }: UsdtArgument): Fetch | undefined {
  if (float) return undefined;
  switch (operand.kind) {
    case 'register':
      return operand.highByte === true ? undefined : { op: 'register', name: operand.register };
    case 'immediate':
      return { op: 'immediate', value: operand.value };
    case 'memory':
      if (operand.index !== undefined || operand.symbol !== undefined || operand.base === undefined)
        return undefined;
      return {
        op: 'memory',
        base: { op: 'register', name: operand.base },
        offsetBytes: operand.displacement,
      };
    default:
      return undefined;
  }
}

/** Functions of the chosen binaries, from their symbol tables. */
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
    describe(entry) {
      const value = functionsOf(ElfFile.open(entry.group)).get(entry.name);
      return Promise.resolve({
        ...entry,
        summary: `Function of ${entry.group} at 0x${value?.toString(16)}.`,
        fields: [],
        notes: ['Arguments with their types: probescope resolve, or Trace Function in the editor.'],
      });
    },
    plan(entry) {
      const elf = ElfFile.open(entry.group);
      const vaddr = functionsOf(elf).get(entry.name);
      const segment = elf.segments.find(
        (part) =>
          vaddr !== undefined &&
          part.type === 1 &&
          vaddr >= part.vaddr &&
          vaddr < part.vaddr + part.fileSizeBytes,
      );
      if (vaddr === undefined || segment === undefined)
        throw new ProbeError({
          code: 'function-not-found',
          message: `${entry.group} has no function ${entry.name} with code.`,
        });
      const fileOffsetBytes = vaddr - segment.vaddr + segment.offset;
      return Promise.resolve({
        engine: 'uprobe',
        point: { kind: 'function', path: entry.group, name: entry.name },
        fields: [],
        definitions: (group, event) => [{ group, event, path: entry.group, fileOffsetBytes, arguments: [] }],
      });
    },
  };
}

function functionsOf(elf: ElfFile): Map<string, number> {
  const found = new Map<string, number>();
  for (const table of [elf.symbols(), elf.dynamicSymbols()])
    if (table !== undefined) addFunctions(table, found);
  return found;
}

function addFunctions(table: SymbolTable, found: Map<string, number>): void {
  for (let index = 0; index < table.count; index++) {
    const value = table.values[index] ?? 0;
    if (table.type(index) === STT_FUNC && value !== 0 && table.sections[index] !== 0)
      found.set(table.name(index), value);
  }
}
