import type { Version } from '../version.ts';
import type { Lifetime, Word } from './entry.ts';
import type { ProbeTypeName } from './probes.ts';

/**
 * What an argument must be. `literal` kinds must stand in the script as they are: bpftrace needs them when it compiles.
 * Kinds that differ by release or by the type of another argument are `any` here and checked by their own rule.
 */
export type ArgumentKind =
  | 'any'
  | 'integer'
  | 'integer-literal'
  | 'string'
  | 'string-literal'
  | 'integer-or-pointer'
  | 'pointer'
  | 'map'
  | 'clock'
  | 'namespace';

/** One way to call a function; `since` and `removed` as everywhere. */
export interface Signature extends Lifetime {
  readonly min: number;
  readonly max: number;
  /** By position; the last one holds for all that follow. */
  readonly arguments: readonly ArgumentKind[];
  /** As signature help shows it. */
  readonly label: string;
}

export type ReturnKind =
  | 'void'
  | 'uint8'
  | 'uint32'
  | 'uint64'
  | 'int64'
  | 'bool'
  | 'string'
  | 'buffer'
  | 'ksym'
  | 'usym'
  | 'inet'
  | 'bytes'
  | 'kstack'
  | 'ustack'
  | 'timestamp'
  | 'macaddr'
  | 'cgroup_path'
  | 'strerror'
  | 'aggregation'
  /** Depends on the arguments; its own rule says. */
  | 'special';

export interface FunctionWord extends Word {
  readonly signatures: readonly Signature[];
  readonly returns: ReturnKind;
  /** Refused without `--unsafe`. */
  readonly unsafe?: boolean;
  /** The only probe types it may be used in. */
  readonly probes?: readonly ProbeTypeName[];
  /** Works when bpftrace's user part reads the event, not when the probe fires. */
  readonly asynchronous?: boolean;
  /** From this release on part of the library that is written in bpftrace itself. */
  readonly libraryFrom?: Version;
}

export const one = (
  label: string,
  min: number,
  max: number,
  ...kinds: ArgumentKind[]
): readonly Signature[] => [{ min, max, arguments: kinds, label }];
