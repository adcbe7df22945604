import type { Call, Expression, MapReference, Probe, Program } from '../syntax/ast.ts';
import { probeWordByName, type ProbeTypeName } from '../tables/probes.ts';
import type { State } from './state.ts';
import { walk } from './walk.ts';

/** Things that every release accepts and that mislead whoever runs them. Their reasons are measured; see the README. */
export function checkTraps(state: State, program: Program): void {
  const probes = program.items.filter((item) => item.kind === 'probe');
  for (const probe of probes) {
    warnHotEvent(state, probe);
    warnGoReturn(state, probe);
    warnUserString(state, probe);
  }
  warnStartMaps(state, probes);
}

const entryTypes: ReadonlySet<ProbeTypeName> = new Set(['kprobe', 'uprobe', 'fentry']);
const returnTypes: ReadonlySet<ProbeTypeName> = new Set(['kretprobe', 'uretprobe', 'fexit']);

const typesOf = (probe: Probe): ProbeTypeName[] =>
  probe.attachPoints.flatMap((point) => probeWordByName.get(point.provider.text)?.type ?? []);

/** Functions that an entry and a return probe share: only they can be recursive under our eyes. */
const functionsOf = (probe: Probe): string[] =>
  probe.attachPoints.map((point) => point.parts.at(-1)?.text ?? '');

interface MapUse {
  readonly reference: MapReference;
  readonly probe: Probe;
}

/** `@start[tid] = nsecs` at a function's entry, read at its return. */
function warnStartMaps(state: State, probes: readonly Probe[]): void {
  if (!/\btid\b/.test(state.source)) return;
  const writes = new Map<string, MapUse[]>();
  const reads = new Map<string, MapUse[]>();
  const removed = new Set<string>();
  const add = (to: Map<string, MapUse[]>, use: MapUse): void => {
    const known = to.get(use.reference.name);
    if (known === undefined) to.set(use.reference.name, [use]);
    else known.push(use);
  };
  for (const probe of probes)
    collectUses(
      probe,
      (use) => add(writes, use),
      (use) => add(reads, use),
      removed,
    );
  for (const [name, all] of writes) {
    const starts = all.filter(({ reference }) => isThreadKey(reference.keys));
    if (starts.length === 0) continue;
    const readers = (reads.get(name) ?? []).filter(
      ({ probe }) => !starts.some((start) => start.probe === probe),
    );
    if (readers.length === 0) continue;
    warnRecursion(state, starts, readers);
    if (!removed.has(name)) warnNeverDeleted(state, starts, readers);
  }
}

function collectUses(
  probe: Probe,
  write: (use: MapUse) => void,
  read: (use: MapUse) => void,
  removed: Set<string>,
): void {
  const visit = (node: Parameters<typeof walk>[0]): boolean | undefined => {
    if (node.kind === 'assignment' && node.target.kind === 'map') {
      write({ reference: node.target, probe });
      walk(node.value, visit);
      return false;
    }
    if (node.kind === 'call' && ['delete', 'clear', 'zero'].includes(node.callee.text)) {
      for (const argument of node.args) if (argument.kind === 'map') removed.add(argument.name);
      return false;
    }
    if (node.kind === 'map') read({ reference: node, probe });
    return undefined;
  };
  if (probe.predicate !== undefined) walk(probe.predicate, visit);
  walk(probe.body, visit);
}

/** The thread alone, or thread and process, is the key. */
function isThreadKey(keys: readonly Expression[] | undefined): boolean {
  if (keys === undefined || keys.length === 0) return false;
  const parts = keys.length === 1 && keys[0]?.kind === 'tuple' ? keys[0].elements : keys;
  const names = parts.map((key) => (key.kind === 'identifier' ? key.name : ''));
  return names.includes('tid') && names.every((name) => ['tid', 'pid', 'comm'].includes(name));
}

function warnRecursion(state: State, starts: readonly MapUse[], readers: readonly MapUse[]): void {
  const returned = new Set(
    readers.flatMap(({ probe }) =>
      typesOf(probe).some((type) => returnTypes.has(type)) ? functionsOf(probe) : [],
    ),
  );
  for (const { reference, probe } of starts) {
    const types = typesOf(probe);
    if (!types.some((type) => entryTypes.has(type))) continue;
    if (!functionsOf(probe).some((name) => returned.has(name))) continue;
    const isUser = types.includes('uprobe');
    state.report[isUser ? 'warning' : 'information'](
      reference,
      'trap-recursion',
      `When the function calls itself, its inner call overwrites ${reference.name} of the outer one, whose return is then not measured.`,
      {
        hint: 'Count the depth in a second map and make it a part of the key: `@start[tid, @depth[tid]]`.',
      },
    );
  }
}

function warnNeverDeleted(state: State, starts: readonly MapUse[], readers: readonly MapUse[]): void {
  const [start] = starts;
  const reader = readers.find(({ reference }) => reference.keys !== undefined);
  if (start === undefined || reader === undefined) return;
  const key = reader.reference.keys
    ?.map((expression) => state.source.slice(expression.start, expression.end))
    .join(', ');
  const body = reader.probe.body;
  const closed = state.source[body.end - 1] === '}';
  const text = `delete(${reader.reference.name}[${key ?? 'tid'}]);`;
  state.report.warning(
    start.reference,
    'trap-missing-delete',
    `${start.reference.name} gets an entry for each thread and nothing deletes them: when the map is full, new ones are lost silently.`,
    {
      hint: `\`${text}\` where it was read.`,
      ...(closed
        ? {
            fixes: [
              {
                title: `Add \`${text}\``,
                edits: [
                  {
                    ...insertionAt(state.source, body.end - 1),
                    newText: insertion(state.source, body, text),
                  },
                ],
                preferred: true,
              },
            ],
          }
        : {}),
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
