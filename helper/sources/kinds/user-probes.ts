import { ProbeError } from '../../../protocol/errors.ts';
import type { EventField, SourceGroup } from '../../../protocol/events.ts';
import type { Fetch, FetchArgument, UprobeDefinition } from '../../engines/tracefs/definition.ts';
import { listProcesses } from '../../host/processes.ts';
import { ElfFile } from '../../symbols/elf.ts';
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
