import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { cpus } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import { WRAPPER_PATH } from '../../privilege/wrapper.ts';
import { supervisorScript } from './script.ts';

/** How a supervisor ended: `left` when something of its kernel objects remains. */
export interface SupervisorEnd {
  readonly removed: boolean;
  readonly detail?: string;
}

/**
 * Ring buffer of the instance, per CPU: 64 MB in all, at least 1 MB a CPU and at most 16, which holds 100,000 records of
 * ten values. A helper that is not scheduled for a second loses nothing then.
 */
const BUFFER_KB = Math.round(Math.min(16, Math.max(1, 64 / Math.max(1, cpus().length))) * 1024);

export interface SupervisorOptions {
  /** Lower-case hexadecimal; part of the group's name. */
  readonly token: string;
  /** What `findPrivilege` gives as prefix: `['sudo', '-n']`, those and the wrapper, or nothing when the helper is root. */
  readonly elevate: readonly string[];
  /** Gets the text of the instance's `trace_pipe`, in whatever pieces it arrives; without it, nobody reads the pipe. */
  readonly onData?: (chunk: Buffer) => void;
  /** Gets what the perfs say that count events, where the pipe is not read. */
  readonly onCounts?: (chunk: Buffer) => void;
  /** Ring buffer of the instance, per CPU; {@link BUFFER_KB} when absent. */
  readonly bufferKb?: number;
}

interface Waiting {
  readonly resolve: (text: string) => void;
  readonly reject: (error: ProbeError) => void;
}

/**
 * The process that owns an own tracefs instance and group (see `script.ts`). Commands are answered in order. `close`
 * ends it, as does the end of this process, however it ends.
 */
export class TracefsSupervisor {
  readonly group: string;
  readonly cpus: number;
  readonly pid: number;
  readonly ended: Promise<SupervisorEnd>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AnswerReader;
  #nextId = 1;

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, Readable>,
    answers: AnswerReader,
    ready: { group: string; cpus: number },
    ended: Promise<SupervisorEnd>,
  ) {
    this.#child = child;
    this.#answers = answers;
    this.group = ready.group;
    this.cpus = ready.cpus;
    this.pid = child.pid ?? 0;
    this.ended = ended;
  }

  /** Starts one; refused with `no-privileges` when tracefs cannot be written as the process runs. */
  static async start(options: SupervisorOptions): Promise<TracefsSupervisor> {
    const wrapped = options.elevate.at(-1) === WRAPPER_PATH;
    const engine = wrapped ? ['tracefs'] : ['/bin/sh', '-c', supervisorScript, 'probescope-tracefs'];
    const [command, ...words] = [
      ...options.elevate,
      ...engine,
      options.token,
      String(options.bufferKb ?? BUFFER_KB),
      options.onData === undefined ? 'no' : 'yes',
    ];
    // A process group of its own: Ctrl-C in a terminal reaches the owner, which then ends this one in good order.
    const child = spawn(command ?? '/bin/sh', words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const answers = new AnswerReader();
    const take = options.onData ?? options.onCounts;
    if (take === undefined) child.stdout.resume();
    else child.stdout.on('data', take);
    child.stderr.setEncoding('utf8').on('data', (text: string) => answers.feed(text));
    // A write after the end is answered by `ended`, not by an unhandled error.
    child.stdin.on('error', () => undefined);
    const ended = new Promise<SupervisorEnd>((resolve) => {
      child.on('error', (error) =>
        answers.end({ code: 'engine-missing', message: `${command} cannot be started: ${error.message}` }),
      );
      child.on('close', () => {
        answers.end({ code: 'engine-ended', message: 'The process that owns the tracefs probes has ended.' });
        resolve(answers.outcome);
      });
    });
    const ready = await answers.ready;
    return new TracefsSupervisor(child, answers, ready, ended);
  }

  define(line: string): Promise<string> {
    return this.#command(`define ${line}`);
  }

  /** Defines a probe on a kernel function: a line for `kprobe_events`, or one of ftrace's (`f:`, kernel ≥ 6.5) for `dynamic_events`. */
  defineKernel(line: string): Promise<string> {
    return this.#command(`kernel ${line}`);
  }

  /** Opens `path` as the file that `OPEN_FILE_PATH` names, until `closeFile`. */
  openFile(path: string): Promise<string> {
    if (/[\n\0]/.test(path))
      throw new ProbeError({
        code: 'invalid-argument',
        message: 'A path with a line break cannot be traced.',
        remedy: 'Rename the file or make a hard link to it.',
      });
    return this.#command(`open ${path}`);
  }

  closeFile(): Promise<string> {
    return this.#command('close');
  }

  /**
   * Lets one `perf stat` count events of this group, in one process or in all, and say what it counted every `intervalMs`; its lines
   * go to `onCounts`. Refused without perf.
   */
  count(events: readonly string[], intervalMs: number, pid: number | undefined): Promise<string> {
    return this.#command(
      ['count', events.join(','), intervalMs, ...(pid === undefined ? [] : [pid])].join(' '),
    );
  }

  /** Ends the count of an event and of those that are counted with it; perf's last line and its end still come. */
  uncount(event: string): Promise<string> {
    return this.#command(`uncount ${event}`);
  }

  /** Writes a control file of the instance. */
  set(file: string, value: string): Promise<string> {
    return this.#command(`set ${file} ${value.replaceAll('\n', ' ')}`);
  }

  /** Reads a file of the instance. */
  get(file: string): Promise<string> {
    return this.#command(`get ${file}`);
  }

  /** The hits of all uprobes of the machine, as `uprobe_profile` has them. */
  profile(): Promise<string> {
    return this.#command('global uprobe_profile');
  }

  /** The uprobes that everybody defined, as `uprobe_events` has them. */
  definitions(): Promise<string> {
    return this.#command('global uprobe_events');
  }

  /** Removes everything of this supervisor from the kernel. */
  async close(): Promise<SupervisorEnd> {
    this.#child.stdin.end();
    return await this.ended;
  }

  #command(text: string): Promise<string> {
    const id = this.#nextId++;
    return this.#answers.expect(id, () => this.#child.stdin.write(`${id} ${text}\n`));
  }
}

interface Settle {
  readonly resolve: (ready: { group: string; cpus: number }) => void;
  readonly reject: (error: ProbeError) => void;
}

/** Reads the supervisor's standard error: see `script.ts` for its grammar. */
class AnswerReader {
  readonly ready: Promise<{ group: string; cpus: number }>;
  outcome: SupervisorEnd = { removed: false, detail: 'It ended without removing its probes.' };
  readonly #waiting = new Map<number, Waiting>();
  readonly #settleReady: Settle | undefined;
  #partial = '';
  #ended: Problem | undefined;
  #body: { waiting: Waiting | undefined; missing: number; lines: string[] } | undefined;

  constructor() {
    let settle: Settle | undefined;
    this.ready = new Promise((resolve, reject) => (settle = { resolve, reject }));
    // A start that fails before anybody waits for it is no unhandled rejection.
    this.ready.catch(() => undefined);
    this.#settleReady = settle;
  }

  expect(id: number, send: () => void): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new ProbeError(this.#ended));
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      send();
    });
  }

  feed(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  end(problem: Problem): void {
    if (this.#ended !== undefined) return;
    this.#ended = problem;
    const error = new ProbeError(problem);
    this.#settleReady?.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  #line(line: string): void {
    if (this.#body !== undefined) {
      this.#body.lines.push(line);
      if (--this.#body.missing === 0) {
        this.#body.waiting?.resolve(this.#body.lines.join('\n'));
        this.#body = undefined;
      }
      return;
    }
    const [word = '', verb = '', ...rest] = line.split(' ');
    if (word === 'ready') this.#settleReady?.resolve({ group: verb, cpus: Number(rest[0]) });
    else if (word === 'removed') this.outcome = { removed: true };
    else if (word === 'left')
      this.outcome = { removed: false, detail: `The kernel kept probes of the group ${verb}.` };
    else if (word === 'failed')
      this.end({
        code: 'no-privileges',
        message: `tracefs cannot be used: ${line.slice('failed '.length)}.`,
        remedy: 'Run as root, or allow `sudo -n` for this user.',
      });
    else this.#answer(Number(word), verb, rest);
  }

  #answer(id: number, verb: string, rest: readonly string[]): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (verb === 'ok') {
      const missing = Number(rest[0]);
      if (missing > 0) this.#body = { waiting, missing, lines: [] };
      else waiting?.resolve('');
    } else if (verb === 'error')
      waiting?.reject(
        new ProbeError({ code: 'engine-refused', message: rest.join(' ') || 'The kernel gave no reason.' }),
      );
  }
}
