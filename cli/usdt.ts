import { readFileSync, readlinkSync } from 'node:fs';
import { ProbeError } from '../protocol/errors.ts';
import { formatAddress } from '../helper/symbols/address.ts';
import { ElfFile } from '../helper/symbols/elf.ts';
import { usdtProbes, type UsdtProbe } from '../helper/symbols/usdt.ts';
import { exitCodes, parseCommandLine, parsePid, UsageError, type Command } from './command.ts';

export const command: Command = {
  usage: `usage: probescope usdt BINARY [--json]
       probescope usdt --pid PID [--json]

Lists the USDT probes of a binary, or of everything a process has mapped. Exit 1 when there is none.`,
  run(args) {
    const { values, positionals } = parseCommandLine(args, {
      pid: { type: 'string' },
      json: { type: 'boolean' },
    });
    if (values.pid !== undefined && positionals.length > 0)
      throw new UsageError('give a binary or --pid, not both');
    if (values.pid === undefined && positionals.length !== 1)
      throw new UsageError('give one binary, or --pid PID');
    const binaries = values.pid === undefined ? positionals : mappedBinaries(parsePid(values.pid));
    const found = binaries.flatMap((binary) =>
      probesOf(binary, values.pid !== undefined).map((probe) => ({ binary, probe })),
    );
    if (values.json === true)
      process.stdout.write(`${JSON.stringify(found.map(({ binary, probe }) => asJson(binary, probe)))}\n`);
    else for (const { binary, probe } of found) process.stdout.write(`${asLine(binary, probe)}\n`);
    if (found.length === 0) process.stderr.write('probescope usdt: there are no USDT probes\n');
    return Promise.resolve(found.length === 0 ? exitCodes.failed : exitCodes.ok);
  },
};

/** A mapped file may be something else than ELF; one that was named by the user must be. */
function probesOf(binary: string, lenient: boolean): UsdtProbe[] {
  let elf: ElfFile;
  try {
    elf = ElfFile.open(binary);
  } catch (error) {
    if (lenient && error instanceof ProbeError) return [];
    throw error;
  }
  try {
    return usdtProbes(elf);
  } finally {
    elf.close();
  }
}

/** The executable mappings of a process, as paths that are valid here: below /proc/PID/root in another mount namespace. */
function mappedBinaries(pid: number): string[] {
  let maps: string;
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
  } catch (cause) {
    throw new ProbeError(
      {
        code: 'process-gone',
        message: `The mappings of process ${pid} cannot be read.`,
        remedy: 'Check that it runs, and that it is yours or you are root.',
      },
      { cause },
    );
  }
  const paths = [...maps.matchAll(/^[0-9a-f]+-[0-9a-f]+ ..x. \S+ \S+ \d+ +(\/.*?)(?: \(deleted\))?$/gm)].map(
    (match) => match[1] ?? '',
  );
  const same = sameMountNamespace(pid);
  return [...new Set(paths)].map((path) => (same ? path : `/proc/${pid}/root${path}`));
}

function sameMountNamespace(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync('/proc/self/ns/mnt');
  } catch {
    return true;
  }
}

function asJson(binary: string, probe: UsdtProbe): object {
  return {
    binary,
    provider: probe.provider,
    name: probe.name,
    address: formatAddress(probe.vaddr),
    fileOffset: formatAddress(probe.fileOffsetBytes),
    ...(probe.semaphore === undefined ? {} : { semaphore: formatAddress(probe.semaphore.vaddr) }),
    arguments: probe.arguments.map(({ sizeBytes, signed, float, operand, text }) => ({
      size: sizeBytes,
      type: `${float ? 'f' : signed ? 's' : 'u'}${sizeBytes * 8}`,
      text,
      operand: operand.kind === 'immediate' ? { kind: 'immediate', value: String(operand.value) } : operand,
    })),
  };
}

function asLine(binary: string, probe: UsdtProbe): string {
  const semaphore = probe.semaphore === undefined ? '' : ` semaphore ${formatAddress(probe.semaphore.vaddr)}`;
  return `${binary}:${probe.provider}:${probe.name} ${formatAddress(probe.vaddr)}${semaphore} ${probe.argumentText}`.trimEnd();
}
