import type { Catalog } from '../../protocol/catalog.ts';
import { buildCatalog } from './catalog.ts';
import { readKernelTypes } from './functions.ts';
import { findTracefs, Tracepoints } from './tracefs.ts';

/** The catalog of this host, without the parts that this process may not read. */
export async function hostCatalog(): Promise<Catalog> {
  const tracepoints = await findTracefs().then(
    ({ root }) => new Tracepoints(root),
    () => undefined,
  );
  const types = await Promise.resolve()
    .then(() => readKernelTypes())
    .catch(() => undefined);
  return buildCatalog({
    ...(tracepoints === undefined ? {} : { tracepoints }),
    ...(types === undefined ? {} : { types }),
  });
}
