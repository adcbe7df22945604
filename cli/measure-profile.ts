import type { ChildProcess } from 'node:child_process';
import { LiveProfile } from '../extension/core/live-profile.ts';
import { ProbeError } from '../protocol/errors.ts';
import type { ProfileSpec } from '../protocol/live-profile.ts';
import { heldBack, release } from './held-back.ts';
import { localHelper } from './in-process.ts';

export interface ProfileRequest {
  readonly title: string;
  readonly target: { readonly pid: number } | { readonly command: readonly string[] } | 'machine';
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
  const { title, target, spec, durationMs, onStart } = request;
  const child =
    typeof target === 'object' && 'command' in target ? await heldBack(target.command) : undefined;
  const helper = await localHelper();
  const live = new LiveProfile(title, {
    ...spec,
    target:
      child !== undefined
        ? { pid: child.pid ?? 0 }
        : typeof target === 'object' && 'pid' in target
          ? target
          : 'machine',
  });
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
    endCommand(child);
    await helper.close();
  }
}

function endCommand(child: ChildProcess | undefined): void {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
}
