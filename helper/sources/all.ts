import { sourceKinds, type SourceKind } from '../../protocol/events.ts';
import { BtfKind } from '../kernel/btf.ts';
import { enumConstants } from '../kernel/catalog.ts';
import { type KernelTypes, Prototypes, readKernelTypes } from '../kernel/functions.ts';
import type { ConstantLookup } from '../kernel/print-format.ts';
import { Tracepoints, findTracefs } from '../kernel/tracefs.ts';
import { hardwareSource, softwareSource, timerSource } from './kinds/counters.ts';
import { kernelFunctionSource } from './kinds/kernel-functions.ts';
import { rawTracepointSource } from './kinds/raw-tracepoints.ts';
import { syscallSource } from './kinds/syscalls.ts';
import { tracepointSource } from './kinds/tracepoints.ts';
import { userFunctionSource } from './kinds/user-functions.ts';
import { usdtSource } from './kinds/user-probes.ts';
import type { EventSource } from './source.ts';

/** What the sources share of this host, each read when it is first needed. */
export class HostEvents {
  private tracefs: Promise<Tracepoints> | undefined;
  private types: KernelTypes | null | undefined;
  private known: Prototypes | undefined;
  private constants: Map<string, number> | undefined;

  readonly tracepoints = (): Promise<Tracepoints> => {
    // A failure is not kept: tracefs may be mounted the next time.
    this.tracefs ??= findTracefs().then(
      ({ root }) => new Tracepoints(root),
      (error: unknown) => {
        this.tracefs = undefined;
        throw error;
      },
    );
    return this.tracefs;
  };

  readonly kernelTypes = (): KernelTypes | undefined => {
    if (this.types === undefined) {
      try {
        this.types = readKernelTypes();
      } catch {
        this.types = null;
      }
    }
    return this.types ?? undefined;
  };

  readonly prototypes = (): Prototypes | undefined => {
    const types = this.kernelTypes();
    return types === undefined ? undefined : (this.known ??= new Prototypes(types));
  };

  /** Enumerators of the kernel by name, for print formats that name instead of number. */
  readonly constant: ConstantLookup = (name) => {
    if (this.constants === undefined) {
      const btf = this.kernelTypes()?.vmlinux;
      this.constants = new Map();
      if (btf !== undefined)
        for (const kind of [BtfKind.enum, BtfKind.enum64])
          for (const id of btf.idsOf(kind))
            for (const [constant, value] of Object.entries(enumConstants(btf, id)))
              this.constants.set(constant, Number(value));
    }
    return this.constants.get(name);
  };

  /** Forgets what may have changed: modules, formats, mounts. */
  refresh(): void {
    this.tracefs = undefined;
    this.types = undefined;
    this.known = undefined;
    this.constants = undefined;
  }
}

/** Every kind of event source. A later one is a file in `kinds/` and a line here. */
export function allSources(host: HostEvents): ReadonlyMap<SourceKind, EventSource> {
  const sources: readonly EventSource[] = [
    tracepointSource(host.tracepoints, host.constant),
    syscallSource(host.tracepoints),
    kernelFunctionSource(host.tracepoints, host.prototypes),
    rawTracepointSource(host.kernelTypes),
    usdtSource(),
    userFunctionSource(),
    softwareSource(),
    hardwareSource(),
    timerSource(),
  ];
  const byKind = new Map(sources.map((source) => [source.kind, source]));
  return new Map(sourceKinds.flatMap((kind) => (byKind.has(kind) ? [[kind, byKind.get(kind)!]] : [])));
}
