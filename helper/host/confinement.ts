import { readFile } from 'node:fs/promises';
import type { Finding } from '../../protocol/target.ts';
import { effectiveCapabilities } from '../privilege/privilege.ts';

/** What confines the helper, as the kernel tells it. */
export interface Confinement {
  /** `/sys/kernel/security/lockdown`: `none [integrity] confidentiality`; empty where the kernel has no lockdown. */
  readonly lockdown: string;
  /** Undefined where the firmware does not say. */
  readonly secureBoot: boolean | undefined;
  /** `/proc/self/status` (proc_pid_status(5)). */
  readonly status: string;
  readonly uid: number;
  /** bpftrace attached a uprobe when that was tried. */
  readonly attaches: boolean;
}

/** Capabilities (capability.h): BPF asks for both, or for CAP_SYS_ADMIN, as every kernel before 5.8 does. */
const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;
const CAP_BPF = 39n;
/** `Seccomp:` of /proc/PID/status: a filter is in force. */
const SECCOMP_FILTER = '2';

/**
 * What stands between root and tracing: kernel lockdown (kernel_lockdown(7)), capabilities that a container was not given, its filter
 * of system calls, and `no_new_privs`, with which sudo gives nothing. The first that is in the way is told.
 */
export function confinementFinding(found: Confinement): Finding {
  const { lockdown, status, uid, attaches } = found;
  const mode = /\[(\w+)\]/.exec(lockdown)?.[1] ?? 'none';
  const secureBoot = found.secureBoot === true ? ' Secure Boot is on.' : '';
  if (mode === 'confidentiality')
    return {
      works: false,
      detail: `The kernel is locked down (confidentiality): it refuses tracefs and kprobes to root too, and BPF programs cannot read its memory.${secureBoot}`,
      remedy:
        'Look for lockdown=confidentiality in /proc/cmdline. Secure Boot needs no more than lockdown=integrity, which allows tracing.',
    };
  const capabilities = effectiveCapabilities(status);
  const has = (bit: bigint): boolean => ((capabilities >> bit) & 1n) === 1n;
  if (uid === 0 && !has(CAP_SYS_ADMIN) && !(has(CAP_BPF) && has(CAP_PERFMON)))
    return {
      works: false,
      detail: 'This root has neither CAP_SYS_ADMIN nor CAP_BPF and CAP_PERFMON, as in most containers.',
      remedy: `Trace from the host, which lists the processes of its containers; or start this container with ${CONTAINER_OPTIONS}.`,
    };
  if (field(status, 'Seccomp') === SECCOMP_FILTER && !attaches)
    return {
      works: false,
      detail:
        'A seccomp filter is in force, and bpftrace could not attach: those of container runtimes refuse bpf() and perf_event_open().',
      remedy: `Trace from the host, which lists the processes of its containers; or start this container with ${CONTAINER_OPTIONS}.`,
    };
  if (uid !== 0 && field(status, 'NoNewPrivs') === '1' && !attaches)
    return {
      works: false,
      detail: 'no_new_privs is set for this process: sudo, pkexec and file capabilities give it nothing.',
      remedy:
        'Start the editor or its server outside of the sandbox that set it: a snap, a unit with NoNewPrivileges=, a pod with allowPrivilegeEscalation: false.',
    };
  return {
    works: true,
    detail:
      mode === 'integrity'
        ? `The kernel is locked down (integrity), which allows tracing.${secureBoot}`
        : `Neither kernel lockdown nor a sandbox is in the way.${secureBoot}`,
  };
}

const CONTAINER_OPTIONS =
  '--privileged --pid=host (Docker, Podman), or privileged: true and hostPID: true (Kubernetes)';

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
}

/** What confines this process; `attaches`: whether a uprobe could be attached. */
export async function confinement(attaches: boolean): Promise<Finding> {
  const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  return confinementFinding({
    lockdown: await text('/sys/kernel/security/lockdown'),
    secureBoot: await secureBoot(),
    status: await text('/proc/self/status'),
    uid: process.getuid?.() ?? -1,
    attaches,
  });
}

/** The UEFI variable SecureBoot of the global vendor: four bytes of attributes, then 1 or 0. */
async function secureBoot(): Promise<boolean | undefined> {
  const name = 'SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c';
  const bytes = await readFile(`/sys/firmware/efi/efivars/${name}`).catch(() => undefined);
  return bytes === undefined || bytes.length < 5 ? undefined : bytes[4] === 1;
}
