import { readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { DetachReport, DetachScope } from '../../protocol/detach.ts';
import { asProblem, type Problem } from '../../protocol/errors.ts';
import { TracefsSupervisor } from '../engines/tracefs/supervisor.ts';
import { startedNow } from '../host/start-time.ts';
import { ancestorsOf, markOf, readProcesses, treeOf, type TreeProcess } from './process-tree.ts';
import { randomBytes } from '../host/random.ts';

/** Until here owners may end by themselves, with their last figures. */
const PATIENCE_MS = 700;
/** Until here engines may detach in good order; the kernel takes 80 to 310 ms a probe. */
const ENGINE_PATIENCE_MS = 3000;
/** Until here the kernel may finish what a SIGKILL began. */
const LAST_LOOK_MS = 12_000;
const LOOK_EVERY_MS = 50;
/** The smallest ring buffer of tracefs: nothing is recorded in it. */
const SWEEP_BUFFER_KB = 4;

export interface DetachHost {
  /** Command words that make what follows run as root; throws `no-privileges` when there is no way. */
  readonly elevate: () => Promise<readonly string[]>;
  readonly log: (message: string) => void;
}

/**
 * Ends engines, their supervisors and the helpers that own them, and removes what they defined in tracefs. It needs
 * nothing of them: they are found by the marks in their arguments and by the tree below them, so it works when a helper
 * hangs or is stopped. This process and those above it are left alone.
 *
 * Owners are asked first (SIGTERM; a stopped one is woken), so that figures and definitions go in good order; what has not
 * gone then is killed. An engine that runs as root for somebody else obeys its supervisor, and ends by itself when nobody
 * reads it.
 */
export async function detachEverything(scope: DetachScope, host: DetachHost): Promise<DetachReport> {
  const processes = await readProcesses();
  const { owners, supervisors, all } = chosen(scope, processes);
  host.log(`Detach: ${owners.length} helpers, ${supervisors.length} supervisors, ${all.length} processes.`);
  // Woken before they are asked: the order of a stopped owner's supervisor must not wait for it.
  for (const one of all) signal(one, 'SIGCONT');
  for (const owner of owners) signal(owner, 'SIGTERM');
  for (const one of supervisors) release(one, processes);
  let left = await untilGone(all, PATIENCE_MS);
  // Pipes of an owner that hangs close with it: everything below it ends by that.
  for (const one of left) if (owners.includes(one)) signal(one, 'SIGKILL');
  left = await untilGone(left, ENGINE_PATIENCE_MS - PATIENCE_MS);
  for (const one of left) signal(one, 'SIGKILL');
  left = await untilGone(left, LAST_LOOK_MS - ENGINE_PATIENCE_MS);
  const ended = all.filter((one) => !left.includes(one));
  const swept = await sweep(host);
  return { ended: ended.map(shown), left: left.map(shown), ...swept };
}

const shown = ({ pid, command }: TreeProcess) => ({ pid, command });

interface Chosen {
  readonly owners: readonly TreeProcess[];
  readonly supervisors: readonly TreeProcess[];
  /** Both, and everything below them. */
  readonly all: readonly TreeProcess[];
}

function chosen(scope: DetachScope, processes: ReadonlyMap<number, TreeProcess>): Chosen {
  const ours = new Set(ancestorsOf(process.pid, processes));
  const own = new Set(treeOf(process.pid, processes));
  const uid = process.getuid?.() ?? -1;
  // Root's helper does not end other people's traces.
  const seen = [...processes.values()].filter((one) => !ours.has(one) && !own.has(one));
  const helpers = seen.filter((one) => markOf(one) === 'helper' && one.uid === uid);
  const owners = helpers.filter(
    ({ pid }) => scope.kind === 'all' || (scope.kind === 'helper' && scope.pid === pid),
  );
  const below = new Set(owners.flatMap(({ pid }) => treeOf(pid, processes)));
  const marked = seen.filter((one) => isSupervisor(one) && !isSupervisor(processes.get(one.parent)));
  const supervisors = marked.filter(
    (one) => below.has(one) || (one.uid === uid && (scope.kind === 'all' || isOrphan(one, processes))),
  );
  const all = new Set([...below, ...supervisors.flatMap(({ pid }) => treeOf(pid, processes))]);
  return { owners, supervisors, all: [...all] };
}

function isSupervisor(one: TreeProcess | undefined): boolean {
  const mark = one === undefined ? undefined : markOf(one);
  return mark === 'engine-supervisor' || mark === 'tracefs-supervisor';
}

/** Its parent has gone: init, or a process that adopts orphans (a session's systemd, a container's first), has it now. */
function isOrphan({ parent }: TreeProcess, processes: ReadonlyMap<number, TreeProcess>): boolean {
  const adopter = processes.get(parent);
  return adopter === undefined || parent === 1 || adopter.command === 'systemd';
}

/**
 * Lets a supervisor do what it does when its owner goes, without its owner's going: the watcher of an engine's waits for
 * the end of a `cat`, the guard of tracefs for the end of the process that serves.
 */
function release(supervisor: TreeProcess, processes: ReadonlyMap<number, TreeProcess>): void {
  const below = treeOf(supervisor.pid, processes).slice(1);
  if (markOf(supervisor) === 'engine-supervisor') {
    for (const one of below) if (one.command === 'cat') signal(one, 'SIGKILL');
    return;
  }
  // `serve` and `guard` are children of the script; only `serve` ends by SIGTERM
  for (const one of below) if (isSupervisor(one)) signal(one, 'SIGTERM');
}

/** A process that is another user's or has gone already is passed over: what is left is told in the end. */
function signal({ pid, started }: TreeProcess, name: NodeJS.Signals): void {
  try {
    if (startedNow(pid) === started) process.kill(pid, name);
  } catch {
    // gone, or not ours to end
  }
}

async function untilGone(processes: readonly TreeProcess[], patienceMs: number): Promise<TreeProcess[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const left = processes.filter(({ pid, started }) => startedNow(pid) === started);
    if (left.length === 0 || performance.now() >= deadline) return left;
    await delay(LOOK_EVERY_MS);
  }
}

/** A new supervisor removes at its start what those who are gone left; then it says which groups there still are. */
async function sweep(host: DetachHost): Promise<{ groupsLeft: readonly string[]; tracefs?: Problem }> {
  try {
    const token = randomBytes(5).toString('hex');
    const supervisor = await TracefsSupervisor.start({
      token,
      elevate: await host.elevate(),
      bufferKb: SWEEP_BUFFER_KB,
    });
    try {
      const definitions = await supervisor.definitions();
      return { groupsLeft: await ownerless(definitions) };
    } finally {
      await supervisor.close();
    }
  } catch (error) {
    return { groupsLeft: [], tracefs: asProblem(error) };
  }
}

/** Groups whose owner, named in them by pid namespace, pid and start time, is not alive; others' cannot be judged. */
async function ownerless(definitions: string): Promise<string[]> {
  const namespace = /\d+/.exec(await readlink('/proc/self/ns/pid'))?.[0];
  const groups = [...definitions.matchAll(/^[pr]\d*:(probescope_(\d+)_(\d+)_(\d+)_\w+)\//gm)];
  return [
    ...new Set(
      groups
        .filter(([, , ns, pid, started]) => ns === namespace && startedNow(Number(pid)) !== started)
        .map(([, group]) => group ?? ''),
    ),
  ];
}
