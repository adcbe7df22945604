import type { Variable } from '../model.ts';
import type { Type } from '../dwarf/types.ts';
import type { AddressContext } from '../values/frame-base.ts';

/** What an expression can name at one address. */
export interface Scope {
  readonly address: AddressContext;
  /** Innermost first: a name means the first variable that has it. */
  readonly variables: readonly Variable[];
  /** Variables of files and namespaces; looked up when no local has the name. */
  readonly global: (name: string) => Variable | undefined;
  /** A struct, enum or typedef by its name, as `struct request`, `ns::T` or `request`. */
  readonly type: (name: string) => Type | undefined;
  /** Line of an address, for telling where a variable is still alive. */
  readonly lineOf: (address: number) => number | undefined;
}
