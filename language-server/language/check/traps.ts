import type { Diagnostic, Fix, Span } from '../diagnostic.ts';
import type { Call, Expression, Node, Probe, Program } from '../syntax/ast.ts';
import { probeWordByName, type ProbeTypeName } from '../tables/probes.ts';
import type { CheckMemory } from './memory.ts';
import { move } from './pass-record.ts';
import { Report } from './report.ts';
import type { State } from './state.ts';
import { walk } from './walk.ts';

/** What the traps look at in one probe; places are those of the text that was looked at. */
export interface TrapFacts {
  /** Where the probe began then. */
  readonly start: number;
  /** Findings that concern the probe alone. */
  readonly diagnostics: readonly Diagnostic[];
  /** Where maps are written with the thread as their key. */
  readonly started: readonly (Span & { readonly name: string })[];
  /** The maps that are read, and the text of the first key with which they are. */
  readonly read: ReadonlyMap<string, string | undefined>;
  /** The maps of which something is deleted. */
  readonly removed: ReadonlySet<string>;
}

/** A probe and its facts. */
interface Known {
  readonly probe: Probe;
  readonly facts: TrapFacts;
}

/** Things that every release accepts and that mislead whoever runs them. Their reasons are measured; see the README. */
export function checkTraps(state: State, program: Program, memory?: CheckMemory): void {
  const all: Known[] = [];
  const { items } = program;
  const find = (index: number): TrapFacts => factsOf(state, items[index] as Probe);
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (item?.kind !== 'probe') continue;
    const facts = memory === undefined ? find(index) : memory.trapFacts(index, find);
    if (facts.started.length > 0 || facts.read.size > 0 || facts.removed.size > 0)
      all.push({ probe: item, facts });
    const offset = item.start - facts.start;
    for (const diagnostic of facts.diagnostics) state.report.take(move(diagnostic, offset));
  }
  warnStartMaps(state, all);
}

function factsOf(state: State, probe: Probe): TrapFacts {
  const alone: State = { ...state, report: new Report() };
  warnHotEvent(alone, probe);
  warnGoReturn(alone, probe);
  warnUserString(alone, probe);
  return { start: probe.start, diagnostics: alone.report.diagnostics, ...usesOf(state.source, probe) };
}

function usesOf(source: string, probe: Probe): Pick<TrapFacts, 'started' | 'read' | 'removed'> {
  const started: (Span & { name: string })[] = [];
  const read = new Map<string, string | undefined>();
  const removed = new Set<string>();
  const visit = (node: Node): boolean | undefined => {
    if (node.kind === 'assignment' && node.target.kind === 'map') {
      const { name, start, end, keys } = node.target;
      if (isThreadKey(keys)) started.push({ name, start, end });
      walk(node.value, visit);
      return false;
    }
    if (node.kind === 'call' && ['delete', 'clear', 'zero'].includes(node.callee.text)) {
      for (const argument of node.args) if (argument.kind === 'map') removed.add(argument.name);
      return false;
    }
    if (node.kind === 'map' && read.get(node.name) === undefined)
      read.set(node.name, node.keys?.map((key) => source.slice(key.start, key.end)).join(', '));
    return undefined;
  };
  if (probe.predicate !== undefined) walk(probe.predicate, visit);
  walk(probe.body, visit);
  return { started, read, removed };
}

const entryTypes: ReadonlySet<ProbeTypeName> = new Set(['kprobe', 'uprobe', 'fentry']);
const returnTypes: ReadonlySet<ProbeTypeName> = new Set(['kretprobe', 'uretprobe', 'fexit']);

const typesOf = (probe: Probe): ProbeTypeName[] =>
  probe.attachPoints.flatMap((point) => probeWordByName.get(point.provider.text)?.type ?? []);

/** Functions that an entry and a return probe share: only they can be recursive under our eyes. */
const functionsOf = (probe: Probe): string[] =>
  probe.attachPoints.map((point) => point.parts.at(-1)?.text ?? '');

/** `@start[tid] = nsecs` at a function's entry, read at its return. */
function warnStartMaps(state: State, all: readonly Known[]): void {
  if (!all.some(({ facts }) => facts.started.length > 0)) return;
  const removed = new Set<string>();
  const starters = new Map<string, Known[]>();
  const readers = new Map<string, Known[]>();
  for (const known of all) {
    for (const name of known.facts.removed) removed.add(name);
    for (const { name } of known.facts.started) add(starters, name, known);
  }
  for (const known of all)
    for (const name of known.facts.read.keys()) if (starters.has(name)) add(readers, name, known);
  for (const [name, starts] of starters) {
    const others = (readers.get(name) ?? []).filter((reader) => !starts.includes(reader));
    if (others.length === 0) continue;
    warnRecursion(state, name, starts, others);
    if (!removed.has(name)) warnNeverDeleted(state, name, starts, others);
  }
}

function add(to: Map<string, Known[]>, name: string, known: Known): void {
  const list = to.get(name);
  if (list === undefined) to.set(name, [known]);
  else if (list.at(-1) !== known) list.push(known);
}

/** Where the probe writes the map with the thread as its key, as the text is now. */
function placesIn({ probe, facts }: Known, name: string): Span[] {
  const offset = probe.start - facts.start;
  return facts.started
    .filter((span) => span.name === name)
    .map(({ start, end }) => ({ start: start + offset, end: end + offset }));
}

/** The thread alone, or thread and process, is the key. */
function isThreadKey(keys: readonly Expression[] | undefined): boolean {
  if (keys === undefined || keys.length === 0) return false;
  const parts = keys.length === 1 && keys[0]?.kind === 'tuple' ? keys[0].elements : keys;
  const names = parts.map((key) => (key.kind === 'identifier' ? key.name : ''));
  return names.includes('tid') && names.every((name) => ['tid', 'pid', 'comm'].includes(name));
}

function warnRecursion(
  state: State,
  name: string,
  starts: readonly Known[],
  readers: readonly Known[],
): void {
  const returned = new Set(
    readers.flatMap(({ probe }) =>
      typesOf(probe).some((type) => returnTypes.has(type)) ? functionsOf(probe) : [],
    ),
  );
  for (const start of starts) {
    const types = typesOf(start.probe);
    if (!types.some((type) => entryTypes.has(type))) continue;
    if (!functionsOf(start.probe).some((function_) => returned.has(function_))) continue;
    const isUser = types.includes('uprobe');
    for (const place of placesIn(start, name))
      state.report[isUser ? 'warning' : 'information'](
        place,
        'trap-recursion',
        `When the function calls itself, its inner call overwrites ${name} of the outer one, whose return is then not measured.`,
        {
          hint: 'Count the depth in a second map and make it a part of the key: `@start[tid, @depth[tid]]`.',
        },
      );
  }
}

function warnNeverDeleted(
  state: State,
  name: string,
  [start]: readonly Known[],
  readers: readonly Known[],
): void {
  const reader = readers.find(({ facts }) => facts.read.get(name) !== undefined);
  const place = start === undefined ? undefined : placesIn(start, name)[0];
  if (place === undefined || reader === undefined) return;
  const { body } = reader.probe;
  const key = reader.facts.read.get(name) ?? 'tid';
  const text =
    state.version >= 22
      ? `delete(${name}, ${key.includes(',') ? `(${key})` : key});`
      : `delete(${name}[${key}]);`;
  const fix: Fix = {
    title: `Add \`${text}\``,
    edits: [{ ...insertionAt(state.source, body.end - 1), newText: insertion(state.source, body, text) }],
    preferred: true,
  };
  state.report.warning(
    place,
    'trap-missing-delete',
    `${name} gets an entry for each thread and nothing deletes them: when the map is full, new ones are lost silently.`,
    {
      hint: `\`${text}\` where it was read.`,
      ...(state.source[body.end - 1] === '}' ? { fixes: [fix] } : {}),
    },
  );
}

/** Before the closing brace, at the end of the line before it where that brace has a line of its own. */
function insertionAt(source: string, brace: number): { start: number; end: number } {
  let at = brace;
  while (at > 0 && /\s/.test(source[at - 1] ?? '')) at--;
  return { start: at, end: at };
}

function insertion(source: string, body: { start: number; end: number }, text: string): string {
  const inside = source.slice(body.start + 1, body.end - 1).trimEnd();
  const semicolon = inside === '' || /[;}]$/.test(inside) ? '' : ';';
  if (!inside.includes('\n'))
    return `${semicolon} ${text}${/\s/.test(source[body.end - 2] ?? '') ? '' : ' '}`;
  const indent = /\n([ \t]*)[^\n]*$/.exec(inside)?.[1] ?? '  ';
  return `${semicolon}\n${indent}${text}`;
}

/** Tracepoints that fire more than about 100,000 times a second on a busy host. */
const hotCategories: ReadonlySet<string> = new Set([
  'raw_syscalls',
  'kmem',
  'irq_vectors',
  'lock',
  'rcu',
  'timer',
  'preemptirq',
  'exceptions',
  'tlb',
  'mmap_lock',
]);
const hotEvents =
  /^(sched:(sched_switch|sched_waking|sched_wakeup|sched_stat_.*)|syscalls:sys_(enter|exit)_(read|write|futex|epoll_wait|poll|recvfrom|sendto|recvmsg|sendmsg|clock_.*)|syscalls:sys_(enter|exit)_\*|irq:softirq_.*|net:.*|skb:.*|page_pool:.*)$/;

const printing: ReadonlySet<string> = new Set(['printf', 'print', 'time', 'cat', 'system', 'join', 'errorf']);

/** One line of output for each event of a tracepoint that fires 100,000 times a second. */
function warnHotEvent(state: State, probe: Probe): void {
  if (probe.predicate !== undefined) return;
  const hot = probe.attachPoints.find((point) => {
    if (probeWordByName.get(point.provider.text)?.type !== 'tracepoint') return false;
    const [category = '', event = ''] = point.parts.map((part) => part.text);
    return hotCategories.has(category) || hotEvents.test(`${category}:${event}`);
  });
  if (hot === undefined) return;
  const isCall = (expression: Expression | undefined): expression is Call => expression?.kind === 'call';
  const direct = [
    ...probe.body.statements.map((statement) =>
      statement.kind === 'expression-statement' ? statement.expression : undefined,
    ),
    probe.body.result,
  ]
    .filter(isCall)
    .find((call) => printing.has(call.callee.text));
  if (direct === undefined) return;
  const asksToStop = probe.body.statements.some(
    (statement) =>
      statement.kind === 'expression-statement' &&
      isCall(statement.expression) &&
      statement.expression.callee.text === 'exit',
  );
  if (asksToStop) return;
  state.report.warning(
    direct.callee,
    'trap-hot-event',
    `\`${hot.text}\` can fire more than 100,000 times a second; bpftrace loses output above about 40,000 lines a second and slows the host down.`,
    {
      hint: 'Aggregate in a map (`count()`, `hist()`), or add a predicate: `/pid == …/`.',
    },
  );
}

/** Go moves the stacks of its goroutines; the return address that a uretprobe planted moves with them. */
function warnGoReturn(state: State, probe: Probe): void {
  for (const point of probe.attachPoints) {
    if (probeWordByName.get(point.provider.text)?.type !== 'uretprobe') continue;
    const last = point.parts.at(-1);
    if (last === undefined || !isGoName(last.text)) continue;
    state.report.warning(
      point,
      'trap-go-uretprobe',
      `\`${last.text}\` looks like a function of Go: a uretprobe crashes Go programs when a goroutine's stack grows.`,
      {
        hint: "Put uprobes on the function's RET instructions (`uprobe:BINARY:FUNCTION+OFFSET`) and key by goroutine.",
      },
    );
  }
}

/** `main.run`, `net/http.(*conn).serve`; C++ and C have no dots, `.isra.0` and `.part.1` aside. */
function isGoName(name: string): boolean {
  if (/\.(isra|part|constprop|cold|llvm)\b/.test(name) || name.includes('::')) return false;
  return /^[A-Za-z_][\w/.-]*\.(\(\*?\w+\)\.)?[A-Za-z_]\w*$/.test(name);
}

const pathFields: ReadonlySet<string> = new Set([
  'filename',
  'pathname',
  'oldname',
  'newname',
  'path',
  'fileName',
]);

/** The path of a system call may lie on a page that nobody has read yet; BPF cannot wait for it. */
function warnUserString(state: State, probe: Probe): void {
  const isEntry = probe.attachPoints.some(
    (point) =>
      probeWordByName.get(point.provider.text)?.type === 'tracepoint' &&
      point.parts[0]?.text === 'syscalls' &&
      point.parts[1]?.text.startsWith('sys_enter_') === true,
  );
  if (!/\bstr\s*\(/.test(state.source.slice(probe.body.start, probe.body.end))) return;
  walk(probe.body, (node) => {
    if (node.kind !== 'call' || node.callee.text !== 'str') return undefined;
    const [argument] = node.args;
    if (argument?.kind === 'integer' && argument.value < 4096n)
      state.report.warning(
        argument,
        'trap-unread-memory',
        'Nothing is ever mapped at this address; the string is always empty.',
      );
    if (
      isEntry &&
      argument?.kind === 'field' &&
      argument.object.kind === 'identifier' &&
      argument.object.name === 'args' &&
      pathFields.has(argument.field.text)
    )
      state.report.information(
        node,
        'trap-unread-memory',
        'At the entry of the system call this page may not be in memory yet; the string is then empty.',
        {
          hint: `Keep \`args.${argument.field.text}\` in a map keyed by \`tid\` and read it at \`sys_exit_…\`, where the kernel has read it.`,
        },
      );
    return undefined;
  });
}
