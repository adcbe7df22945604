import { readlinkSync } from 'node:fs';
import { arch, hostname, release } from 'node:os';
import type { EngineCommand } from './engines/bpftrace/engine.ts';
import { atLeast, OLDEST_VERSION } from './engines/bpftrace/version.ts';
import { bpftraceFacts, type BpftraceFacts } from './host/bpftrace-facts.ts';
import { startedNow } from './host/start-time.ts';
import { Lazy } from './lazy.ts';
import { rootPrefix } from './privilege/root-prefix.ts';
import { ProbeSession, splitByEngine } from './probe-session.ts';
import { engineWords } from './privilege/privilege.ts';
import type { CallContext, Notify } from './rpc.ts';
import { safely, type SafetyHost } from './safe-probing.ts';
import { ElfFile } from './symbols/elf.ts';
import { fileIdentity, sameFile, type FileIdentity, type OpenBinaries } from './symbols/open-binaries.ts';
import { Symboliser } from './symbols/symbolise.ts';
import { ProbeError, type Problem } from '../protocol/errors.ts';
import type { KernelFunctionSubject, ProbeId, ProbeSpec } from '../protocol/probe.ts';
import type { SessionAttached, SessionDescription, SessionId } from '../protocol/snapshot.ts';

/** How often the helper looks whether a traced process or binary is still the one it was. */
const WATCH_MS = 1000;
/** Shortest and longest pause between snapshots. */
const INTERVAL_LIMITS_MS = [100, 60_000] as const;
/** The inode of the first pid namespace (PROC_PID_INIT_INO). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

interface Watched {
  /** Of the probe's binary; the kernel has none. */
  readonly identity: FileIdentity | undefined;
  /** Start time of the process, so that another one with its number is not taken for it. */
  readonly started: string | undefined;
}

interface Held {
  readonly session: ProbeSession;
  probes: readonly ProbeSpec[];
  watched: Map<ProbeId, Watched>;
}

/** The trace sessions of a helper. */
export class TraceService {
  readonly #notify: Notify;
  readonly #kernelRelease: string;
  readonly symboliser: Symboliser;
  readonly #kernel = new Lazy(async () => {
    const { KernelSubjects } = await import('./kernel/subjects.ts');
    const { tryAbilities } = await import('./host/abilities.ts');
    return new KernelSubjects(async () => tryAbilities(await this.engineCommand(), ['fentry', 'kprobe']));
  });
  readonly #sessions = new Map<SessionId, Held>();
  /** Engines that detach: the kernel takes 80 ms and more a probe. */
  readonly #leaving = new Set<Promise<void>>();
  #facts: Promise<BpftraceFacts> | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(notify: Notify, binaries: OpenBinaries, kernelRelease = release()) {
    this.#notify = notify;
    this.#kernelRelease = kernelRelease;
    this.symboliser = new Symboliser(binaries);
  }

  /** Looks for bpftrace ahead of time: a session that opens later does not wait for it. */
  warmUp(): void {
    this.#facts ??= bpftraceFacts();
    this.#facts.catch(() => (this.#facts = undefined));
  }

  /** Functions of the kernel by name; see `kernel/subjects.ts`. */
  async kernelFunctions(name: string): Promise<readonly KernelFunctionSubject[]> {
    return (await this.#kernel.get()).find(name);
  }

  async open(
    params: { session: SessionId; probes: readonly ProbeSpec[]; intervalMs: number },
    { cancelled }: CallContext,
  ): Promise<SessionAttached> {
    const { session: id } = params;
    if (this.#sessions.has(id) || params.probes.length === 0)
      throw new ProbeError({
        code: 'invalid-argument',
        message: params.probes.length === 0 ? 'A session needs a probe.' : `Session ${id} is open already.`,
      });
    const { probes, notes } = safely(params.probes, await this.#safetyFor(params.probes));
    const watched = this.#identify(probes);
    const log = (message: string): void => {
      this.#notify('log', { level: 'debug', message });
    };
    const onLost = (probe: ProbeId, problem: Problem): void => {
      this.#notify('probeEnded', { session: id, probe, problem });
    };
    const session = new ProbeSession(id, limited(params.intervalMs), {
      command: () => this.engineCommand(),
      arch: arch(),
      is64Bit,
      samePids: ({ version }) => isFirstPidNamespace() || atLeast(version, '0.23'),
      log,
      counter: {
        elevate: rootPrefix,
        log,
        onLost,
      },
      timer: { elevate: rootPrefix, seesAllPids: isFirstPidNamespace(), onLost },
      symbolise: ({ pid, addresses }) => this.symboliser.stack(pid, addresses),
      onSnapshot: (snapshot) => this.#notify('snapshot', snapshot),
      onState: (state) => {
        if (state.kind === 'ended') this.#sessions.delete(id);
        this.#notify('sessionState', { session: id, state });
      },
    });
    this.#sessions.set(id, { session, probes, watched });
    try {
      const attached = await session.open(probes, cancelled);
      this.#watch ??= setInterval(() => this.#look(), WATCH_MS);
      return { ...attached, notes: [...notes, ...(attached.notes ?? [])] };
    } catch (error) {
      this.#sessions.delete(id);
      // What was found out about bpftrace may be what is wrong: look again next time.
      this.#facts = undefined;
      throw error;
    }
  }

  async update(
    params: { session: SessionId; probes: readonly ProbeSpec[] },
    { cancelled }: CallContext,
  ): Promise<SessionAttached> {
    const held = this.#held(params.session);
    const { probes, notes } = safely(params.probes, await this.#safetyFor(params.probes));
    const watched = this.#identify(probes);
    const attached = await held.session.update(probes, cancelled);
    held.probes = probes;
    held.watched = watched;
    return { ...attached, notes: [...notes, ...(attached.notes ?? [])] };
  }

  pace(params: { session: SessionId; intervalMs: number }): Record<string, never> {
    this.#held(params.session).session.pace(limited(params.intervalMs));
    return {};
  }

  async close(params: { session: SessionId }): Promise<Record<string, never>> {
    const held = this.#sessions.get(params.session);
    this.#sessions.delete(params.session);
    if (held !== undefined) {
      const gone = held.session.gone().finally(() => this.#leaving.delete(gone));
      this.#leaving.add(gone);
      await held.session.close();
    }
    return {};
  }

  async describe(params: { session: SessionId }): Promise<SessionDescription> {
    const { session, probes } = this.#held(params.session);
    const { script } = session;
    return {
      host: hostname(),
      kernel: this.#kernelRelease,
      arch: arch(),
      tools: script === '' ? [] : [`bpftrace ${await this.engineVersion()}`],
      script,
      binaries: [...new Set(probes.filter(isInFile).map(({ binary }) => binary))].map((path) => {
        const buildId = buildIdOf(path);
        return buildId === undefined ? { path } : { path, buildId };
      }),
    };
  }

  /** Ends everything; resolves when no process is left. */
  async dispose(): Promise<void> {
    clearInterval(this.#watch);
    const sessions = [...this.#sessions.values()].map((held) => held.session);
    for (const session of sessions) session.dispose();
    await Promise.all([...this.#leaving, ...sessions.map((session) => session.gone())]);
  }

  #held(id: SessionId): Held {
    const held = this.#sessions.get(id);
    if (held !== undefined) return held;
    throw new ProbeError({
      code: 'session-not-found',
      message: `There is no trace session ${id}.`,
      remedy: 'It has ended: resume the probes to start another one.',
    });
  }

  /** Without bpftrace, probes that need none can be attached all the same. */
  async #safetyFor(probes: readonly ProbeSpec[]): Promise<SafetyHost> {
    const command = this.engineCommand();
    return this.#safety(
      splitByEngine(probes).named.length > 0 ? await command : await command.catch(() => undefined),
    );
  }

  #safety(command: EngineCommand | undefined): SafetyHost {
    return {
      kernelRelease: this.#kernelRelease,
      arch: arch(),
      enginePrograms: [command?.words.at(-1) ?? '', process.execPath].filter((path) => path.startsWith('/')),
      isOwnProcess: (pid) =>
        pid === process.pid ||
        [...this.#sessions.values()].some(({ session }) => session.enginePids.includes(pid)),
    };
  }

  /** Version of the engine that traces. Throws why there is none. */
  async engineVersion(): Promise<string> {
    return (await this.engineCommand()).version;
  }

  /** How bpftrace is run for the returns of a probe. Throws what is missing, or why its returns must not be probed. */
  async commandForReturns(probe: ProbeSpec): Promise<EngineCommand> {
    const command = await this.engineCommand();
    const { notes } = safely([{ ...probe, measures: ['latency'] }], this.#safety(command));
    const [note] = notes;
    if (note === undefined) return command;
    throw new ProbeError({
      code: 'probe-refused',
      message: note.message,
      remedy: 'Count its calls instead.',
    });
  }

  /** How bpftrace is run here. Throws what is missing. */
  async engineCommand(): Promise<EngineCommand> {
    this.warmUp();
    const { facts, privilege } = (await this.#facts)!;
    if (!facts.works || facts.path === undefined || facts.version === undefined) {
      this.#facts = undefined;
      throw new ProbeError({
        code:
          facts.path === undefined
            ? 'engine-missing'
            : facts.version === undefined
              ? 'engine-refused'
              : 'engine-too-old',
        message: facts.detail,
        remedy: facts.remedy ?? `bpftrace ${OLDEST_VERSION} or newer is needed.`,
      });
    }
    if (privilege.way === 'none') {
      this.#facts = undefined;
      throw new ProbeError({
        code: 'no-privileges',
        message: `Probes need privileges that are missing: ${privilege.detail}`,
        ...(privilege.remedy === undefined ? {} : { remedy: privilege.remedy }),
      });
    }
    return {
      words: engineWords(privilege, 'bpftrace', facts.path),
      version: facts.version,
      passesEnvironment: privilege.prefix.length === 0,
      takesKeys: privilege.way === 'wrapper',
      ...(privilege.remedy === undefined ? {} : { uprobeRemedy: privilege.remedy }),
    };
  }

  /** Throws process-gone and file-not-found before anything is attached. */
  #identify(probes: readonly ProbeSpec[]): Map<ProbeId, Watched> {
    const watched = new Map<ProbeId, Watched>();
    for (const probe of probes) {
      const { id, binary, pid, measures } = probe;
      const started = pid === undefined ? undefined : startedNow(pid);
      if (pid !== undefined && started === undefined) throw new ProbeError(processGone(pid));
      if (pid !== undefined && measures.includes('callers')) this.symboliser.prepare(pid);
      watched.set(id, { identity: isInFile(probe) ? fileIdentity(binary) : undefined, started });
    }
    return watched;
  }

  #look(): void {
    for (const [session, held] of this.#sessions) {
      // many probes are of few binaries and processes
      const seen = new Map<string, Problem | undefined>();
      for (const { id, binary, pid } of held.probes) {
        const before = held.watched.get(id);
        if (before === undefined) continue;
        const key = JSON.stringify([binary, pid, before]);
        if (!seen.has(key)) seen.set(key, changeOf(binary, pid, before));
        const problem = seen.get(key);
        if (problem === undefined) continue;
        held.watched.delete(id);
        this.#notify('probeEnded', { session, probe: id, problem });
      }
    }
  }
}

const isInFile = ({ subject }: ProbeSpec): boolean => subject.kind !== 'kernel-function';

function limited(intervalMs: number): number {
  const [least, most] = INTERVAL_LIMITS_MS;
  return Number.isFinite(intervalMs) ? Math.min(most, Math.max(least, intervalMs)) : 1000;
}

function isFirstPidNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE;
  } catch {
    return true;
  }
}

function is64Bit(binary: string): boolean {
  const elf = ElfFile.open(binary);
  try {
    return elf.header.is64;
  } finally {
    elf.close();
  }
}

/** Undefined without one, and where the file was removed since. */
function buildIdOf(binary: string): string | undefined {
  try {
    const elf = ElfFile.open(binary);
    try {
      return elf.buildId;
    } finally {
      elf.close();
    }
  } catch {
    return undefined;
  }
}

function processGone(pid: number): Problem {
  return {
    code: 'process-gone',
    message: `Process ${pid} does not run any more.`,
    remedy:
      'Start the program again and trace the new process, or trace the binary without naming a process.',
  };
}

function changeOf(binary: string, pid: number | undefined, before: Watched): Problem | undefined {
  if (pid !== undefined && startedNow(pid) !== before.started) return processGone(pid);
  if (before.identity === undefined) return undefined;
  let now: FileIdentity;
  try {
    now = fileIdentity(binary);
  } catch {
    return replaced(binary, 'was deleted');
  }
  return sameFile(before.identity, now) ? undefined : replaced(binary, 'was replaced by another build');
}

function replaced(binary: string, what: string): Problem {
  return {
    code: 'binary-replaced',
    message: `${binary} ${what} while it was traced: what was counted belongs to the old file.`,
    remedy: 'Restart the program and resume the probe: its functions are then looked up in the new file.',
  };
}
