import type { ChildProcess } from 'node:child_process';
import type { HelperConnection } from '../extension/core/connection.ts';
import { LiveProfile } from '../extension/core/live-profile.ts';
import { byContainer, containersNamed, containerTitle } from '../extension/core/targets/containers.ts';
import { ProbeError } from '../protocol/errors.ts';
import type { ProfileSpec, ProfileTarget } from '../protocol/live-profile.ts';
import { heldBack, release } from './held-back.ts';
import { localHelper, type LocalHelper } from './in-process.ts';

export interface ProfileRequest {
  readonly title: string;
  readonly target:
    | { readonly pid: number }
    | { readonly container: string }
    | { readonly command: readonly string[] }
    | 'machine';
  readonly spec: Omit<ProfileSpec, 'id' | 'target'>;
  /** Until the process ends without it. */
  readonly durationMs?: number;
  /** Told how stacks are walked, once it is known. */
  readonly onStart: (why: string) => void;
}

/**
 * Profiles until the process ends, the duration is over, or a signal: SIGINT and SIGTERM keep what there is. A command is
 * held back until it is measured, so that its beginning counts. Throws what the engine refused as ProbeError.
 */
export async function measureProfile(request: ProfileRequest): Promise<LiveProfile> {
  const { title, target, spec } = request;
  const child =
    typeof target === 'object' && 'command' in target ? await heldBack(target.command) : undefined;
  const helper = await localHelper();
  try {
    const of = child === undefined ? await profileTarget(target, helper.connection) : { pid: child.pid ?? 0 };
    return await measure(new LiveProfile(title, { ...spec, target: of }), child, helper, request);
  } finally {
    endCommand(child);
    await helper.close();
  }
}

async function measure(
  live: LiveProfile,
  child: ChildProcess | undefined,
  helper: LocalHelper,
  { durationMs, onStart }: ProfileRequest,
): Promise<LiveProfile> {
  const stop = (): void => void live.stop().catch(() => undefined);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  child?.once('exit', stop);
  let timer: NodeJS.Timeout | undefined;
  try {
    const { why } = await live.start(helper.connection);
    onStart(why);
    release(child);
    if (durationMs !== undefined) timer = setTimeout(stop, durationMs);
    await live.ended;
    if (live.problem !== undefined) throw new ProbeError(live.problem);
    return live;
  } finally {
    clearTimeout(timer);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}

/** A command has a process of its own, and is none of these. */
async function profileTarget(
  target: ProfileRequest['target'],
  helper: HelperConnection,
): Promise<ProfileTarget> {
  if (target === 'machine' || 'command' in target) return 'machine';
  if ('pid' in target) return target;
  const { processes } = await helper.call('processes', {});
  const [[, own] = [], ...others] = containersNamed(target.container, processes);
  if (own !== undefined && others.length === 0) return { pids: own.map(({ pid }) => pid) };
  const all = [...byContainer(processes).containers].map(
    ([id, each]) => `${id} (${containerTitle(id, each)})`,
  );
  throw new ProbeError({
    code: own === undefined ? 'process-gone' : 'invalid-argument',
    message:
      own === undefined
        ? `No process here runs in a container ${target.container}.`
        : `${target.container} stands for several containers.`,
    remedy: all.length === 0 ? 'None was found on this host.' : `Here are: ${all.join(', ')}.`,
  });
}

function endCommand(child: ChildProcess | undefined): void {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
}
