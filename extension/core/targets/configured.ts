import { localTarget, type Target } from './target.ts';

/** One entry of the setting `probescope.targets`: a name, and either an ssh host or a command. */
export interface ConfiguredTarget {
  readonly name: string;
  readonly ssh?: string;
  readonly command?: readonly string[];
}

/** Why an entry is no target, for the log; targets that are fine are in the list. */
export interface TargetList {
  readonly targets: readonly Target[];
  readonly refused: readonly string[];
}

/**
 * All targets of a workspace: this machine, those of the settings, the hosts of the OpenSSH configuration. Names are
 * unique; the first of a name wins, so that a setting can replace a host's.
 */
export function targetList(configured: unknown, sshHosts: readonly string[]): TargetList {
  const targets = new Map<string, Target>([[localTarget.name, localTarget]]);
  const refused: string[] = [];
  const add = (target: Target) => {
    if (!targets.has(target.name)) targets.set(target.name, target);
  };
  for (const entry of Array.isArray(configured) ? (configured as unknown[]) : []) {
    const target = fromSetting(entry);
    if (typeof target === 'string') refused.push(target);
    else if (targets.has(target.name)) refused.push(`probescope.targets names “${target.name}” twice.`);
    else add(target);
  }
  for (const host of sshHosts) add({ kind: 'ssh', name: host, host });
  return { targets: [...targets.values()], refused };
}

function fromSetting(entry: unknown): Target | string {
  const { name, ssh, command } = (typeof entry === 'object' && entry !== null ? entry : {}) as Partial<
    Record<keyof ConfiguredTarget, unknown>
  >;
  if (typeof name !== 'string' || name.trim() === '') return 'An entry of probescope.targets has no name.';
  if (typeof ssh === 'string' && command === undefined) return { kind: 'ssh', name, host: ssh };
  if (
    ssh === undefined &&
    Array.isArray(command) &&
    command.length > 0 &&
    command.every((word) => typeof word === 'string')
  )
    return { kind: 'command', name, template: command };
  return `The target “${name}” needs either "ssh": "HOST" or "command": ["PROGRAM", …, "{}"].`;
}
