import { readFileSync } from 'node:fs';
import { ProbeError } from '../../protocol/errors.ts';
import type { KernelFunctionSubject } from '../../protocol/probe.ts';
import type { Ability, Finding } from '../../protocol/target.ts';
import { listKernelFunctions, parseKallsyms, Prototypes, readKernelTypes } from './functions.ts';
import { findTracefs } from './tracefs.ts';

/** What fentry and fexit attach to: arguments that a kernel of any release can hand over (x86: 6 registers, no structures). */
const MOST_ARGUMENTS = 6;
const REGISTER_BYTES = 8;

type Way = KernelFunctionSubject['attach'];
export type KernelAbilities = Readonly<Record<Extract<Ability, 'fentry' | 'kprobe'>, Finding>>;

/** The kernel's functions as subjects of probes. */
export class KernelSubjects {
  readonly #abilities: () => Promise<KernelAbilities>;
  #tried: Promise<KernelAbilities> | undefined;
  #prototypes: Prototypes | null | undefined;

  /** `abilities` tries what attaches here; it is asked once. */
  constructor(abilities: () => Promise<KernelAbilities>) {
    this.#abilities = abilities;
  }

  /**
   * The functions of a name (`vfs_read`, or `module:name`), the kernel's own before those of modules. Throws `function-not-found`, and
   * `probe-refused` with what was found by trying where none can be attached.
   */
  async find(name: string): Promise<readonly KernelFunctionSubject[]> {
    const [, wanted, own = ''] = /^(?:(\w+):)?(.*)$/.exec(name.trim()) ?? [];
    const root = await findTracefs().then(
      (place) => place.root,
      () => undefined,
    );
    const { byModule } = listKernelFunctions(root);
    const modules = [...byModule]
      .filter(([module, names]) => (wanted === undefined || wanted === module) && names.includes(own))
      .map(([module]) => module)
      .sort((a, b) => Number(b === 'vmlinux') - Number(a === 'vmlinux') || (a < b ? -1 : 1));
    if (modules.length === 0) throw notThere(name, own, wanted);
    const abilities = await this.#tryOnce();
    return modules.map((module) => ({
      kind: 'kernel-function',
      function: own,
      module,
      attach: wayOf(abilities, this.#fits(own, module), name),
      sites: [{ kind: 'entry', symbol: own, vaddr: 0, fileOffsetBytes: 0 }],
    }));
  }

  /** Tried again where nothing worked: privileges may have come meanwhile. */
  async #tryOnce(): Promise<KernelAbilities> {
    const tried = await (this.#tried ??= this.#abilities());
    if (!tried.fentry.works && !tried.kprobe.works) this.#tried = undefined;
    return tried;
  }

  /** BTF knows the function, and fentry can hand its arguments over. */
  #fits(name: string, module: string): boolean {
    if (this.#prototypes === undefined)
      try {
        this.#prototypes = new Prototypes(readKernelTypes());
      } catch {
        this.#prototypes = null;
      }
    const parameters = this.#prototypes?.parametersOf(name, module);
    return (
      parameters !== undefined &&
      parameters.length <= MOST_ARGUMENTS &&
      parameters.every(({ sizeBytes }) => sizeBytes <= REGISTER_BYTES)
    );
  }
}

function wayOf({ fentry, kprobe }: KernelAbilities, fits: boolean, name: string): Way {
  if (fentry.works && fits) return 'fentry';
  if (kprobe.works) return 'kprobe';
  throw new ProbeError({
    code: 'probe-refused',
    message: fentry.works
      ? `${name} cannot be attached by fentry (the kernel has no type of it, or it takes more than ${MOST_ARGUMENTS} arguments), and kprobes do not work: ${kprobe.detail}`
      : `Functions of this kernel cannot be measured. fentry: ${fentry.detail} kprobe: ${kprobe.detail}`,
    remedy:
      `${kprobe.remedy ?? ''} The time of a system call can be had from its tracepoints: Event Sources, System calls.`.trim(),
  });
}

function notThere(name: string, own: string, module: string | undefined): ProbeError {
  let known = false;
  try {
    const symbols = parseKallsyms(readFileSync('/proc/kallsyms', 'latin1'));
    known = [...symbols].some(
      ([group, names]) => (module === undefined || module === group) && names.includes(own),
    );
  } catch {
    // the list that was looked at is all there is
  }
  if (known)
    return new ProbeError({
      code: 'probe-refused',
      message: `The kernel allows no probe in ${name}: it is marked notrace, or is not ftrace's to patch.`,
      remedy: 'Trace a function that calls it, or one that it calls.',
    });
  return new ProbeError({
    code: 'function-not-found',
    message: `The running kernel has no function ${name}.`,
    remedy:
      'It may be inlined everywhere, have another name in this release, or be in a module that is not loaded. List them: probescope sources --kind kernel-function --match NAME',
  });
}
