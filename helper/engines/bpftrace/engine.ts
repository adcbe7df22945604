import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import { decodeLine, type MapValue } from './decode.ts';
import type { Orders, Plan } from './generate.ts';
import { readLines } from './lines.ts';
import { engineProblem } from './refusals.ts';
import { giveOrder, superviseEngine, type SupervisedProcess } from './supervisor.ts';

/** How bpftrace is run on this host. */
export interface EngineCommand {
  /** `['/usr/bin/bpftrace']` or `['sudo', '-n', '/usr/bin/bpftrace']`. */
  readonly words: readonly string[];
  readonly version: string;
  /** The environment reaches bpftrace (not so through sudo). */
  readonly passesEnvironment: boolean;
  /** It runs behind our wrapper, which takes the size of maps as an argument. */
  readonly takesKeys: boolean;
  /** What to do where it may not attach uprobes. */
  readonly uprobeRemedy?: string;
}

/** The script's maps at one moment. They are decoded when somebody looks at them: most printouts are kept for the case that no later one comes. */
export interface Printout {
  readonly monotonicNs: number;
  readonly maps: ReadonlyMap<string, ReadonlyMap<string, MapValue>>;
  readonly withStacks: boolean;
}

function printoutOf(lines: readonly string[], monotonicNs: number, withStacks: boolean): Printout {
  let maps: Map<string, ReadonlyMap<string, MapValue>> | undefined;
  const decoded = (): Map<string, ReadonlyMap<string, MapValue>> => {
    const found = new Map<string, ReadonlyMap<string, MapValue>>();
    for (const line of lines) {
      const said = decodeLine(line);
      if (said.kind === 'map') found.set(said.name, said.entries);
    }
    return found;
  };
  return {
    monotonicNs,
    withStacks,
    get maps() {
      return (maps ??= decoded());
    },
  };
}

export interface EngineOptions {
  readonly command: EngineCommand;
  readonly plan: Plan;
  readonly orders: Orders;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly log: (message: string) => void;
}

/** Attaching takes 3 ms a site and start-up 0.3 s; a busy guest under emulation took 3 s. */
const START_TIMEOUT_MS = 60_000;
const PRINT_TIMEOUT_MS = 5_000;
/** Most of what an idle engine says; nobody waits for it. Other spellings of it are taken as any text. */
const HEARTBEAT = '{"type": "printf", "data": "alive\\n"}';
/** How a map begins in the output of every version so far; another spelling of it is found by decoding the line. */
const MAP_LINE = '{"type": "map"';
const STDERR_KEPT = 16_384;

interface Waiting {
  readonly resolve: (printout: Printout) => void;
  readonly reject: (error: ProbeError) => void;
}

/** One bpftrace with one script, from start to end. */
export class BpftraceEngine {
  readonly plan: Plan;
  readonly #child: SupervisedProcess;
  readonly #options: EngineOptions;
  readonly #ready: Promise<void>;
  readonly #ended: Promise<Problem>;
  #stderr = '';
  #plainText = '';
  #resolveReady: () => void = () => undefined;
  #resolveOn: ((monotonicNs: number) => void) | undefined;
  /** Lines of the printout that has begun. */
  #lines: string[] | undefined;
  #beganNs = 0;
  #waiting: Waiting[] = [];
  #problem: Problem | undefined;
  #isReady = false;
  /** Attach points as bpftrace counts them, its own BEGIN and interval among them. */
  attachedPoints: number | undefined;
  /** Events that bpftrace reported as lost in its buffers. */
  lostEvents = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.plan = options.plan;
    const command = [...options.command.words, ...options.args, '-f', 'json', '-'];
    this.#child = superviseEngine(command, options.plan.script, options.orders.off, options.env);
    this.#child.stdin.on('error', () => undefined);
    readLines(this.#child.stdout, (line) => this.#take(line));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    const ready = new Promise<void>((resolve) => (this.#resolveReady = resolve));
    this.#ended = new Promise((resolve) => {
      const end = (exitCode: number | null, signal: string | null): void => {
        this.#problem ??= engineProblem({
          exitCode,
          signal,
          stderr: this.#stderr,
          stdout: this.#plainText,
          command: options.command,
          wasReady: this.#isReady,
        });
        for (const { reject } of this.#waiting.splice(0)) reject(new ProbeError(this.#problem));
        resolve(this.#problem);
      };
      this.#child.on('error', () => end(127, null));
      this.#child.on('close', end);
    });
    this.#ready = Promise.race([
      ready,
      this.#ended.then((problem) => {
        throw new ProbeError(problem);
      }),
    ]);
    this.#ready.catch(() => undefined);
  }

  /** Process id of the supervisor; the engine is its child. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Settles when the process ended, with what it has to say. */
  get ended(): Promise<Problem> {
    return this.#ended;
  }

  /** Resolves when everything is attached. Throws what bpftrace said when it could not be. */
  async ready(cancelled?: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const stop = new Promise<never>((_, reject) => {
      const cancel = (): void =>
        reject(new ProbeError({ code: 'cancelled', message: 'Attaching was cancelled.' }));
      cancelled?.addEventListener('abort', cancel, { once: true });
      if (cancelled?.aborted) cancel();
      timer = setTimeout(
        () =>
          reject(
            new ProbeError({
              code: 'engine-refused',
              message: `bpftrace did not finish attaching within ${START_TIMEOUT_MS / 1000} s.`,
              remedy: 'Trace fewer functions at a time, or look at the load of the target.',
            }),
          ),
        START_TIMEOUT_MS,
      );
    });
    try {
      await Promise.race([this.#ready, stop]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tells what to do when the `on` order (given to all engines at once) reached this one. */
  whenOn(): Promise<number> {
    return new Promise((resolve) => (this.#resolveOn = resolve));
  }

  /** Reads the maps. */
  async print(withStacks: boolean): Promise<Printout> {
    const printout = this.#expectPrintout();
    const { orders } = this.#options;
    giveOrder(withStacks && this.plan.hasCallers ? orders.printStacks : orders.print);
    return printout;
  }

  /** Closes the gate and reads the maps for the last time; the engine then detaches on its own. */
  async finish(): Promise<Printout> {
    const printout = this.#expectPrintout();
    giveOrder(this.#options.orders.off);
    try {
      return await printout;
    } finally {
      this.kill();
    }
  }

  /** What {@link finish} waits for, when the `off` order is given by somebody else. */
  expectFinish(): Promise<Printout> {
    return this.#expectPrintout();
  }

  /** Ends it: at once where it can, by its supervisor within a second otherwise. */
  kill(): void {
    this.#problem ??= { code: 'cancelled', message: 'The engine was ended.' };
    this.#child.stdin.end();
  }

  #expectPrintout(): Promise<Printout> {
    if (this.#problem !== undefined) return Promise.reject(new ProbeError(this.#problem));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        resolve: (printout) => {
          clearTimeout(timer);
          resolve(printout);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(
          new ProbeError({
            code: 'engine-refused',
            message: `bpftrace did not answer within ${PRINT_TIMEOUT_MS / 1000} s.`,
            remedy: 'Look at the load of the target: bpftrace may be starved of CPU time.',
          }),
        );
      }, PRINT_TIMEOUT_MS);
      this.#waiting.push(waiting);
    });
  }

  #take(line: string): void {
    if (line === HEARTBEAT) return;
    if (this.#lines !== undefined && line.startsWith(MAP_LINE)) {
      this.#lines.push(line);
      return;
    }
    const said = decodeLine(line);
    switch (said.kind) {
      case 'printf':
        for (const text of said.text.split('\n')) this.#takeText(text);
        break;
      case 'map':
        this.#lines?.push(line);
        break;
      case 'lost':
        this.lostEvents += said.events;
        break;
      case 'attached':
        this.attachedPoints = said.probes;
        break;
      case 'other':
        if (line.trim() !== '') {
          this.#plainText = (this.#plainText + line + '\n').slice(-STDERR_KEPT);
          this.#options.log(`bpftrace: ${line}`);
        }
    }
  }

  #takeText(text: string): void {
    const [word, number = ''] = text.split(' ');
    if (word === 'ready') {
      this.#isReady = true;
      this.#resolveReady();
    } else if (word === 'on') this.#resolveOn?.(Number(number));
    else if (word === 'begin') {
      this.#lines = [];
      this.#beganNs = Number(number);
    } else if (word === 'end' && this.#lines !== undefined) {
      const printout = printoutOf(this.#lines, this.#beganNs, number === '1');
      this.#lines = undefined;
      this.#waiting.shift()?.resolve(printout);
    }
  }
}
