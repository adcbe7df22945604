/** What was found by trying: it works, or it does not and this is why. */
export interface Finding {
  readonly works: boolean;
  /** A full sentence: what was tried and what came back. */
  readonly detail: string;
  /** The next step where it does not work. */
  readonly remedy?: string;
}

export type PrivilegeWay = 'root' | 'capabilities' | 'wrapper' | 'sudo' | 'pkexec' | 'none';

/** What bpftrace can attach on this target, each found by attaching it for real. */
export const abilities = [
  'uprobe',
  'uretprobe',
  'usdt',
  'tracepoint',
  'profile',
  'software',
  'kprobe',
  'fentry',
] as const;
export type Ability = (typeof abilities)[number];

export interface EngineFacts extends Finding {
  readonly path?: string;
  /** As the tool prints it, without a leading `v`: `0.17.0`, `6.1.187`. */
  readonly version?: string;
}

/** What the helper found out about the host it runs on. */
export interface TargetFacts {
  readonly hostname: string;
  readonly platform: string;
  readonly arch: string;
  readonly kernelRelease: string;
  readonly cpus: number;
  readonly nodeVersion: string;
  readonly privilege: Finding & { readonly way: PrivilegeWay; readonly uid: number };
  /** Kernel lockdown, and what a container or sandbox keeps from root. */
  readonly confinement: Finding;
  readonly btf: Finding;
  readonly tracefs: Finding;
  readonly bpftrace: EngineFacts;
  readonly perf: EngineFacts;
  readonly abilities: Readonly<Record<Ability, Finding>>;
}

/** A process that can be traced. */
export interface ProcessInfo {
  readonly pid: number;
  readonly command: string;
  readonly commandLine: string;
  readonly user: string;
  /** Its executable as the helper can open it: `/proc/PID/exe`'s target, or `/proc/PID/root/…` in another mount namespace. */
  readonly executable?: string;
  readonly startedAtMs: number;
  /** `RUNTIME:ID`, or what sets it apart where no runtime names it; see `helper/host/containers.ts`. */
  readonly container?: string;
  /** What people call that container, or the pod, where that can be read. */
  readonly containerName?: string;
  /** Share of one core since the last look, or since its start at the first one; 1 is all of it. */
  readonly shareOfCore?: number;
  /** A guess from its program file: `C`, `C++`, `Go`, `Rust`, `Python`… */
  readonly language?: string;
  /** Its program file carries debug information; undefined when it cannot be read. */
  readonly debugInfo?: boolean;
}
