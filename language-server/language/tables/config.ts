import { byName, type Word } from './entry.ts';

export interface ConfigWord extends Word {
  readonly kind: 'integer' | 'boolean' | 'string' | 'choice' | 'environment-only' | 'unstable';
  readonly choices?: readonly string[];
  /** The first release that looks which choice it is; before, any text will do. */
  readonly choicesSince?: number;
  /** As the documentation writes it. */
  readonly default?: string;
}

/** `stable`: the release that no longer looks at it. */
const unstable = (name: string, since: number, what: string, stable?: number): ConfigWord => ({
  name,
  since,
  ...(stable === undefined ? {} : { deprecated: stable }),
  kind: 'unstable',
  choices: ['error', 'warn', 'enable'],
  default: 'warn',
  doc: `Whether ${what} may be used while it is unstable: \`enable\`, \`warn\` or \`error\`.`,
});

export const configOptions: readonly ConfigWord[] = [
  {
    name: 'cache_user_symbols',
    kind: 'choice',
    choices: ['PER_PID', 'PER_PROGRAM', 'NONE'],
    doc: 'How long symbols of programs are kept: for a process, for a program, not at all.',
  },
  {
    name: 'cpp_demangle',
    kind: 'boolean',
    default: 'true',
    doc: 'Whether C++ names in stacks are demangled.',
  },
  {
    name: 'lazy_symbolication',
    since: 21,
    kind: 'boolean',
    default: 'false',
    doc: 'Whether symbols of programs are looked up only when printed.',
  },
  {
    name: 'license',
    since: 24,
    kind: 'choice',
    // Change 4912 refuses what the kernel does not take for compatible with the GPL
    choicesSince: 25,
    choices: ['GPL', 'GPL v2', 'GPL and additional rights', 'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL'],
    default: '"GPL"',
    doc: 'The licence that the kernel is told.',
  },
  { name: 'log_size', kind: 'integer', default: '1000000', doc: 'Bytes of the verifier’s log.' },
  {
    name: 'max_bpf_progs',
    kind: 'integer',
    default: '1024',
    doc: 'How many BPF programs a script may become.',
  },
  { name: 'max_cat_bytes', kind: 'integer', default: '10240', doc: 'How many bytes `cat()` reads at most.' },
  {
    name: 'max_map_keys',
    kind: 'integer',
    default: '4096',
    doc: 'How many entries a map holds; what does not fit is lost.',
  },
  {
    name: 'max_probes',
    kind: 'integer',
    default: '1024 (512 up to 0.22)',
    doc: 'How many probes a script may attach.',
  },
  {
    name: 'max_strlen',
    kind: 'integer',
    default: '1024 (64 up to 0.22)',
    doc: 'Bytes that `str()`, `buf()` and `path()` read at most.',
  },
  {
    name: 'max_type_res_iterations',
    since: 20,
    deprecated: 25,
    kind: 'integer',
    doc: 'How often types are gone over until they are known.',
  },
  {
    name: 'missing_probes',
    since: 21,
    kind: 'choice',
    choices: ['ignore', 'warn', 'error'],
    default: 'error (warn up to 0.23)',
    doc: 'What happens when a probe cannot be attached.',
  },
  {
    name: 'on_stack_limit',
    since: 21,
    kind: 'integer',
    default: '32',
    doc: 'Bytes up to which an object stays on the BPF stack.',
  },
  {
    name: 'perf_rb_pages',
    kind: 'integer',
    doc: 'Pages of each buffer for events; more of them lose fewer.',
  },
  {
    name: 'print_maps_on_exit',
    since: 22,
    kind: 'boolean',
    default: 'true',
    doc: 'Whether maps are printed at the end.',
  },
  {
    name: 'show_debug_info',
    since: 24,
    kind: 'boolean',
    default: 'true',
    doc: 'Whether stacks show files, lines and inlined functions.',
  },
  {
    name: 'stack_mode',
    kind: 'choice',
    choices: ['bpftrace', 'perf', 'raw', 'build_id'],
    default: 'bpftrace',
    doc: 'The format of stacks.',
  },
  {
    name: 'str_trunc_trailer',
    kind: 'string',
    default: '".."',
    doc: 'What is added to strings that were cut.',
  },
  {
    name: 'symbol_source',
    since: 22,
    deprecated: 24,
    kind: 'choice',
    choices: ['dwarf', 'symbol_table'],
    doc: 'Where the places of uprobes come from.',
  },
  { name: 'use_blazesym', since: 23, kind: 'boolean', doc: 'Whether symbols are looked up by blazesym.' },
  {
    name: 'no_cpp_demangle',
    since: 24,
    kind: 'boolean',
    deprecated: 24,
    instead: 'cpp_demangle',
    doc: 'The old name of `cpp_demangle`, turned around.',
  },
  unstable('unstable_map_decl', 24, 'declarations of maps', 25),
  unstable('unstable_macro', 24, '`macro`', 25),
  unstable('unstable_import', 24, '`import`', 26),
  unstable('unstable_import_statement', 26, '`import` inside a block'),
  unstable('unstable_tseries', 24, '`tseries()`'),
  unstable('unstable_addr', 24, 'the address operator `&`', 26),
  unstable('unstable_typeinfo', 25, '`typeinfo`'),
  unstable('unstable_dw_ustack', 26, '`dw_ustack`'),
  ...['btf', 'kernel_source', 'kernel_build', 'vmlinux'].map((name): ConfigWord => ({
    name,
    kind: 'environment-only',
    doc: 'Can only be set in the environment, as `BPFTRACE_…`.',
  })),
  ...['max_ast_nodes', 'debug_output', 'verify_llvm_ir'].map((name): ConfigWord => ({
    name,
    kind: 'environment-only',
    doc: 'Can only be set in the environment, as `BPFTRACE_…`.',
  })),
];

export const configByName: ReadonlyMap<string, ConfigWord> = byName(configOptions);

/** `BPFTRACE_MAX_STRLEN`, `MAX_STRLEN` and `max_strlen` are one option. */
export function configName(written: string): string {
  return written.toLowerCase().replace(/^bpftrace_/, '');
}
