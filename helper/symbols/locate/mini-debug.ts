import { ElfFile } from '../elf.ts';
import { malformed } from '../problems.ts';

/** Real `.gnu_debugdata` has some 100 KB and unpacks to ten times that; more than this is a compression bomb. */
const LARGEST_BYTES = 256 << 20;

interface Xz {
  readonly XzReadableStream: new (packed: ReadableStream<Uint8Array>) => unknown;
}

/** Loaded when needed. It is a CommonJS module, whose exports Node does not see by name. */
async function loadXz(): Promise<Xz> {
  const module = (await import('xz-decompress')) as unknown as Partial<Xz> & { readonly default: Xz };
  return module.XzReadableStream === undefined ? module.default : (module as Xz);
}

/**
 * `.gnu_debugdata`: an xz-packed ELF file whose `.symtab` has the functions that `.dynsym` leaves out (Fedora's
 * "mini debug information"). Undefined when the binary has none.
 */
export async function miniDebugFile(elf: ElfFile): Promise<ElfFile | undefined> {
  const packed = elf.sectionBytes('.gnu_debugdata')?.all();
  if (packed === undefined || packed.length === 0) return undefined;
  const fail = (what: string): never => {
    throw malformed(elf.path, '.gnu_debugdata', 0, what);
  };
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(packed);
        controller.close();
      },
    });
    const { XzReadableStream } = await loadXz();
    const reader = (new XzReadableStream(source) as ReadableStream<Uint8Array>).getReader();
    for (;;) {
      const { done, value: piece } = await reader.read();
      if (done) break;
      pieces.push(piece.slice());
      size += piece.length;
      if (size > LARGEST_BYTES) {
        await reader.cancel();
        break;
      }
    }
  } catch (thrown) {
    return fail(`it does not unpack (${thrown instanceof Error ? thrown.message : String(thrown)})`);
  }
  if (size > LARGEST_BYTES) return fail(`it unpacks to more than ${LARGEST_BYTES >> 20} MB`);
  return ElfFile.fromBytes(`${elf.path}[.gnu_debugdata]`, Buffer.concat(pieces));
}
