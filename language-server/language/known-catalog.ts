import type { Catalog } from '../../protocol/catalog.ts';
import { NameTable } from './packed-names.ts';

/** A target's catalog as it is kept while scripts are edited: the 100,000 functions of a large kernel are packed. */
export type KnownCatalog = Omit<Catalog, 'functions'> & {
  /** Kernel function → prototype; `''` for one whose prototype is not known. */
  readonly functions: NameTable;
};

export function knownCatalog(catalog: Catalog): KnownCatalog {
  return { ...catalog, functions: NameTable.of(catalog.functions) };
}
