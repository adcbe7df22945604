import { asProblem } from '../../protocol/errors.ts';
import type { Catalog } from '../../protocol/catalog.ts';
import { bpftraceFacts } from '../host/bpftrace-facts.ts';
import { buildCatalog } from './catalog.ts';
import { readKernelTypes } from './functions.ts';
import { findTracefs, Tracepoints } from './tracefs.ts';

/** The catalog of this host; what cannot be read (no tracefs, no BTF) is told to `log` and left out. */
export async function hostCatalog(log: (message: string) => void): Promise<Catalog> {
  const orTell = async <T>(what: string, read: () => Promise<T> | T): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      log(`The catalog is without ${what}: ${asProblem(error).message}`);
      return undefined;
    }
  };
  const tracepoints = await orTell('tracepoints', async () => new Tracepoints((await findTracefs()).root));
  const types = await orTell('kernel types', () => readKernelTypes());
  const { facts } = await bpftraceFacts();
  return buildCatalog({
    ...(tracepoints === undefined ? {} : { tracepoints }),
    ...(types === undefined ? {} : { types }),
    ...(facts.version === undefined ? {} : { bpftraceVersion: facts.version }),
  });
}
