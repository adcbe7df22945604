import { addressFromBigInt } from './address.ts';
import type { ElfFile } from './elf.ts';
import { parseArguments, type UsdtArgument } from './usdt/operands.ts';

/** An address of the image and the same place in the file, which is what uprobes are keyed by. */
export interface ImagePlace {
  readonly vaddr: number;
  readonly fileOffsetBytes: number;
}

/** One place of a USDT probe. A probe has one note for each copy that the compiler made of it. */
export interface UsdtProbe extends ImagePlace {
  readonly provider: string;
  readonly name: string;
  /** A counter in the program that must be above 0 for the probe to run its arguments' code. */
  readonly semaphore?: ImagePlace;
  readonly arguments: readonly UsdtArgument[];
  /** The arguments as the note has them. */
  readonly argumentText: string;
}

const NT_STAPSDT = 3;

/**
 * The USDT probes of a binary, in the order of their notes. A note's description is three addresses (location, base,
 * semaphore) and three strings (provider, name, arguments). Where the image was moved after linking (prelink), base
 * differs from the address of `.stapsdt.base`, and the addresses move by the difference.
 * Source: https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 */
export function usdtProbes(elf: ElfFile): UsdtProbe[] {
  const base = elf.section('.stapsdt.base')?.address;
  const found: UsdtProbe[] = [];
  for (const { owner, type, description } of elf.notes()) {
    if (owner !== 'stapsdt' || type !== NT_STAPSDT) continue;
    const probe = readNote(elf, description, base);
    if (probe !== undefined) found.push(probe);
  }
  return found;
}

/** Undefined for a damaged note and for a location that has no bytes in the file. */
function readNote(elf: ElfFile, description: Uint8Array, base: number | undefined): UsdtProbe | undefined {
  const width = elf.header.is64 ? 8 : 4;
  if (description.length < 3 * width) return undefined;
  const view = new DataView(description.buffer, description.byteOffset, description.length);
  const [location, linkedBase, semaphoreAddress] = [0, 1, 2].map((index) =>
    width === 8 ? addressFromBigInt(view.getBigUint64(index * 8, true)) : view.getUint32(index * 4, true),
  );
  const strings = Buffer.from(description.subarray(3 * width))
    .toString('utf8')
    .split('\0');
  const [provider, name, argumentText] = strings;
  if (location === undefined || linkedBase === undefined || semaphoreAddress === undefined) return undefined;
  if (provider === undefined || name === undefined || argumentText === undefined) return undefined;
  const moved = base === undefined ? 0 : base - linkedBase;
  const place = placeOf(elf, location + moved);
  if (place === undefined) return undefined;
  const semaphore = semaphoreAddress === 0 ? undefined : placeOf(elf, semaphoreAddress + moved);
  const { machine } = elf.header;
  let parsed: readonly UsdtArgument[] | undefined;
  return {
    provider,
    name,
    ...place,
    ...(semaphore === undefined ? {} : { semaphore }),
    // most probes are looked at for their place alone
    get arguments() {
      return (parsed ??=
        machine === 'x86-64' || machine === 'aarch64' ? parseArguments(argumentText, machine) : []);
    },
    argumentText,
  };
}

function placeOf(elf: ElfFile, vaddr: number): ImagePlace | undefined {
  const fileOffsetBytes = elf.fileOffsetOf(vaddr);
  return fileOffsetBytes === undefined ? undefined : { vaddr, fileOffsetBytes };
}
