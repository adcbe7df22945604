import { gatherOutput } from '../gather-output.ts';
import { execFile as execFileWithCallback } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import { pidsOf, type ProfileTarget } from '../../../protocol/live-profile.ts';
import { effectiveCapabilities, findPrivilege, findProgram, perfRefusal } from '../../privilege/privilege.ts';
import type { CallGraphChoice } from './call-graph.ts';
import { isClock, isCycles, periodOf } from './events.ts';
import { superviseSampling, type PerfProcess } from './supervisor.ts';
import { PERF_FIELDS, PerfTextReader, type PerfSample } from './text.ts';

const execFile = promisify(execFileWithCallback);

export interface SamplingOptions {
  /** What runs on the CPUs, so many times a second and CPU; or each occurrence of an event, named as perf list does. */
  readonly of: { readonly hz: number } | { readonly event: string };
  readonly callGraph: CallGraphChoice['mode'];
  readonly target: ProfileTarget;
  readonly onSample: (sample: PerfSample) => void;
}

/** How perf is run on this host. */
export interface PerfCommand {
  readonly path: string;
  readonly elevate: readonly string[];
  /** What the user must know: the kernel's part cannot be seen. */
  readonly restriction?: string;
}

/** Bytes of the stack that are copied with each sample, for unwinding with DWARF. */
const STACK_BYTES = 8192;
/** perf is asked to end; what it still has is read for so long. */
const PATIENCE_MS = 5000;
/** A machine that does nothing at all is waited for so long. */
const FIRST_SAMPLE_MS = 5000;
const STDERR_KEPT = 16_384;

/** Throws `engine-missing`, or `no-privileges` when nothing at all can be sampled. */
export async function perfCommand(): Promise<PerfCommand> {
  const path = await findProgram('perf');
  if (path === undefined)
    throw new ProbeError({
      code: 'engine-missing',
      message: 'perf is not installed on the target: it samples what runs on the CPUs.',
      remedy: 'Install it: linux-perf on Debian, linux-tools-$(uname -r) on Ubuntu, perf elsewhere.',
    });
  const refusal = perfRefusal(
    Number(await readFile('/proc/sys/kernel/perf_event_paranoid', 'utf8').catch(() => '-1')),
    process.getuid?.() ?? -1,
    effectiveCapabilities(await readFile('/proc/self/status', 'utf8').catch(() => '')),
  );
  if (refusal === undefined) return { path, elevate: [] };
  // the wrapper runs bpftrace and tracefs alone
  const { way, prefix } = await findPrivilege('/bin/sh');
  if (way === 'sudo' || way === 'pkexec') return { path, elevate: prefix };
  if (refusal.works) return { path, elevate: [], restriction: refusal.detail };
  throw new ProbeError({ code: 'no-privileges', message: refusal.detail, remedy: refusal.remedy });
}

/**
 * Samples with `perf record -e cpu-clock` (works without hardware counters, so in guests too) or each occurrence of another event, through `perf script` as
 * text, sample by sample. Nothing is stored on the way.
 */
export class Sampling {
  readonly commandLine: string;
  /** Resolves when samples are taken; rejects with why they are not. */
  readonly ready: Promise<void>;
  /** Resolves when everything was read and nothing runs any more. */
  readonly ended: Promise<Problem | undefined>;
  readonly #reader: PerfTextReader;
  readonly #child: PerfProcess;
  #stopped = false;
  #stderr = '';

  constructor({ path, elevate, restriction }: PerfCommand, options: SamplingOptions) {
    const { of, callGraph, target } = options;
    const pids = pidsOf(target);
    const mayLock = elevate.length > 0 || process.getuid?.() === 0;
    const words = [
      // without buffering: a picture that lives must not wait until 128 KB are full
      ...['-q', '--no-buffering', '-k', 'mono', '-e', eventOf(of, restriction !== undefined)],
      ...('hz' in of ? ['-F', String(of.hz)] : ['-c', String(periodOf(of.event))]),
      // more than perf's 512 KB where samples come in bursts or bring their stacks along
      ...(mayLock && ('event' in of || callGraph === 'dwarf') ? ['-m', bufferSize()] : []),
      ...['--call-graph', callGraph === 'fp' ? 'fp' : `dwarf,${STACK_BYTES}`],
      ...(pids === undefined ? ['-a'] : ['-p', pids.join(',')]),
    ];
    this.commandLine = `perf record ${words.join(' ')} -o - | perf script -i - --no-inline -F ${PERF_FIELDS}`;
    let isReady = false;
    const { promise, resolve, reject } = deferred();
    const becomeReady = (): void => {
      isReady = true;
      clearTimeout(timer);
      resolve();
    };
    let timer: NodeJS.Timeout | undefined;
    this.#reader = new PerfTextReader((sample) => {
      if (!isReady) becomeReady();
      options.onSample(sample);
    });
    this.#child = superviseSampling(elevate, path, callGraph, PERF_FIELDS, words);
    this.#child.stdin.on('error', () => undefined);
    gatherOutput(this.#child.stdout);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#reader.pushLine(line);
    });
    this.ready = promise;
    this.ready.catch(() => undefined);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
      if (isReady || timer !== undefined || !/^ready$/m.test(this.#stderr)) return;
      // all processes of a machine are listed before its first sample is taken, which may take seconds
      if (target === 'machine') timer = setTimeout(becomeReady, FIRST_SAMPLE_MS);
      else becomeReady();
    });
    this.ended = new Promise((done) => {
      const end = (error?: Error): void => {
        clearTimeout(timer);
        this.#reader.finish();
        const problem =
          error === undefined && (this.#stopped || isReady) ? undefined : this.#refused(options);
        reject(new ProbeError(problem ?? { code: 'engine-ended', message: 'perf ended.' }));
        done(problem);
      };
      this.#child.once('error', end);
      this.#child.once('close', () => {
        end();
      });
    });
  }

  /** Samples so far that the kernel had no room for. */
  get lost(): number {
    return this.#reader.lost;
  }

  /** Asks perf to end; resolves when its last samples are read. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#child.stdin.end();
    const timer = setTimeout(() => {
      this.kill();
    }, PATIENCE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it at once: perf record by its supervisor, perf script because nobody reads it any more. */
  kill(): void {
    this.#stopped = true;
    this.#child.stdin.end();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  #refused({ target, of }: SamplingOptions): Problem {
    const said = this.#stderr.split('\n').map((line) => line.trim());
    const reason = said.find((line) => !['', 'ready', 'Error:'].includes(line)) ?? 'it said nothing';
    if (target !== 'machine' && /no such process|couldn't create thread|invalid pid/i.test(this.#stderr))
      return {
        code: 'process-gone',
        message: `Process ${pidsOf(target)?.join(', ') ?? ''} does not exist.`,
        remedy: 'Look up its number again: pgrep -a NAME.',
      };
    if (
      'event' in of &&
      /event syntax error|unknown (?:event|tracepoint)|can't access trace events/i.test(this.#stderr)
    )
      return {
        code: 'invalid-argument',
        message: `perf knows no event ${of.event} here.`,
        remedy: 'Write it as perf list or probescope sources does: page-faults, syscalls:sys_enter_write.',
      };
    if ('event' in of && /event is not supported/i.test(this.#stderr)) return notCounted(of.event);
    const denied = /permission|paranoid|not permitted|access to performance/i.test(this.#stderr);
    return {
      code: denied ? 'no-privileges' : 'engine-refused',
      message: `perf record failed: ${reason}`,
      remedy: denied
        ? 'Run as root, or lower kernel.perf_event_paranoid; probescope doctor tells what works here.'
        : 'Try the command that stands in the log by hand.',
    };
  }
}

/** Of an event that this machine has no counter for. */
const notCounted = (event: string): Problem => ({
  code: 'engine-refused',
  message: `This machine does not count ${event}; a virtual one often has no hardware counters.`,
  remedy: 'Profile on CPU without an event, or take one of the kernel, such as page-faults.',
});

/** Throws ProbeError for an event that cannot be taken one by one, and for one that perf would put the clock in the place of. */
export async function checkEvent(event: string, { path }: Pick<PerfCommand, 'path'>): Promise<void> {
  if (isClock(event))
    throw new ProbeError({
      code: 'invalid-argument',
      message: `${event} is time and does not occur.`,
      remedy: 'Profile on CPU, without an event: that samples by it.',
    });
  if (!isCycles(event)) return;
  const { stderr } = await execFile(path, ['stat', '-x,', '-e', event, '--', '/bin/true']).catch(() => ({
    stderr: '',
  }));
  if (stderr.includes('<not supported>')) throw new ProbeError(notCounted(event));
}

/** 64 MB for all processors together, and 4 MB for one at the most; a power of two, as perf demands. */
function bufferSize(): string {
  const kilobytes = (64 * 1024) / Math.max(1, availableParallelism());
  return `${2 ** Math.floor(Math.log2(Math.min(4096, Math.max(512, kilobytes))))}K`;
}

function eventOf(of: SamplingOptions['of'], isRestricted: boolean): string {
  const event = 'event' in of ? of.event : 'cpu-clock';
  return isRestricted && !event.includes(':') ? `${event}:u` : event;
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((one, two) => {
    resolve = one;
    reject = two;
  });
  return { promise, resolve, reject };
}
