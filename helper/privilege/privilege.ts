import { execFile } from 'node:child_process';
import { access, constants, readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { PrivilegeWay } from '../../protocol/target.ts';
import { WRAPPER_PATH } from './wrapper.ts';

/** How an engine is run with the rights it needs. */
export interface Privilege {
  readonly way: PrivilegeWay;
  readonly uid: number;
  /** Words that come before the engine's own: `[]`, `['sudo', '-n']`, or those and the wrapper, which takes engines by name. */
  readonly prefix: readonly string[];
  readonly detail: string;
  readonly remedy?: string;
}

/** Folders of system tools that an ordinary user's PATH often lacks. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/** Capabilities (capability.h) that stand in for root from bpftrace 0.25 on. */
const NEEDED = { CAP_DAC_OVERRIDE: 1, CAP_DAC_READ_SEARCH: 2, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
const CAP_SYS_ADMIN = 21;

/** Absolute path of a program, or undefined. Only absolute folders of PATH count. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  for (const folder of [...folders, ...SYSTEM_FOLDERS]) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/**
 * The ways to run `program` with the rights it needs, in order: root already; this process's own capabilities (those without CAP_SYS_ADMIN come last, for
 * kernels with the fix of CVE-2025-38466 let nobody attach uprobes without it); the
 * wrapper (see `wrapper.ts`) through sudo; `sudo -n` when a rule allows this very program without a password (`sudo -l` says so
 * without running it); `pkexec` where polkit allows it without asking. `takesCapabilities`: the program checks for capabilities and
 * not for root, as bpftrace does from 0.25 on.
 * A password is never asked for: it must not pass through this process.
 */
export async function findPrivilege(program: string, { takesCapabilities = true } = {}): Promise<Privilege> {
  const uid = process.getuid?.() ?? -1;
  if (uid === 0) return { way: 'root', uid, prefix: [], detail: 'The helper runs as root.' };
  const effective = effectiveCapabilities(await readFile('/proc/self/status', 'utf8').catch(() => ''));
  const isCapable = takesCapabilities && Object.values(NEEDED).every((bit) => has(effective, bit));
  if (isCapable && has(effective, CAP_SYS_ADMIN))
    return {
      way: 'capabilities',
      uid,
      prefix: [],
      detail: `The helper has ${Object.keys(NEEDED).join(', ')} and CAP_SYS_ADMIN.`,
    };
  const sudo = await findProgram('sudo');
  if (
    sudo !== undefined &&
    (await isRootOwned(WRAPPER_PATH)) &&
    (await succeeds(sudo, ['-n', '-l', WRAPPER_PATH]))
  )
    return {
      way: 'wrapper',
      uid,
      prefix: [sudo, '-n', WRAPPER_PATH],
      detail: `sudo runs ${WRAPPER_PATH} for ${userName()} without a password; it runs the engines and nothing else.`,
    };
  if (sudo !== undefined && (await succeeds(sudo, ['-n', '-l', program])))
    return {
      way: 'sudo',
      uid,
      prefix: [sudo, '-n'],
      detail: `sudo runs ${program} for ${userName()} without a password.`,
    };
  const pkexec = await findProgram('pkexec');
  // Without its agent it asks nobody: it runs the program where a rule of polkit says so, and fails otherwise.
  if (pkexec !== undefined && (await succeeds(pkexec, ['--disable-internal-agent', program, '--version'])))
    return {
      way: 'pkexec',
      uid,
      prefix: [pkexec, '--disable-internal-agent'],
      detail: `A rule of polkit lets ${userName()} run ${program} as root without a password.`,
    };
  if (isCapable)
    return {
      way: 'capabilities',
      uid,
      prefix: [],
      detail: `The helper has ${Object.keys(NEEDED).join(', ')}.`,
      remedy: `Kernels with the fix of CVE-2025-38466 let only CAP_SYS_ADMIN attach uprobes. Give it that too, or let root allow it once: probescope wrapper install --user ${userName()}`,
    };
  return {
    way: 'none',
    uid,
    prefix: [],
    detail: `${userName()} may not run ${program} as root${sudo === undefined ? ', and sudo is not installed' : ' without a password'}.`,
    remedy: `Let root allow it once: probescope wrapper install --user ${userName()}`,
  };
}

/** `CapEff:` of /proc/PID/status as a bit mask (capabilities(7)). */
export function effectiveCapabilities(status: string): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

const has = (capabilities: bigint, bit: number): boolean => ((capabilities >> BigInt(bit)) & 1n) === 1n;

/**
 * Why a user's perf may not sample, by kernel.perf_event_paranoid (kernel documentation: admin-guide/perf-security.rst): above 2,
 * as Debian's kernels have it, nothing; at 2 own processes only, without the kernel. Undefined when it may.
 */
export function perfRefusal(
  paranoid: number,
  uid: number,
  capabilities: bigint,
): { readonly works: boolean; readonly detail: string; readonly remedy: string } | undefined {
  if (uid === 0 || has(capabilities, NEEDED.CAP_PERFMON) || paranoid < 2) return undefined;
  const remedy =
    'Lower it as root: sysctl kernel.perf_event_paranoid=1, or give perf CAP_PERFMON: setcap cap_perfmon+ep.';
  return paranoid > 2
    ? { works: false, remedy, detail: `kernel.perf_event_paranoid is ${paranoid}: only root may sample.` }
    : {
        works: true,
        remedy,
        detail: `kernel.perf_event_paranoid is ${paranoid}: own processes can be sampled, without what the kernel does for them.`,
      };
}

async function isRootOwned(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.uid === 0 && (found.mode & 0o022) === 0;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'this user');
  }
}

function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(file, [...args], { timeout: 5000 }, (error) => resolve(error === null));
  });
}

/** The words that run an engine: the wrapper takes it by name, everything else by its path. */
export function engineWords(privilege: Privilege, engine: 'bpftrace' | 'tracefs', path: string): string[] {
  return [...privilege.prefix, privilege.way === 'wrapper' ? engine : path];
}
