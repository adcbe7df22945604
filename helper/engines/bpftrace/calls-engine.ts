import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import { decodeLine } from './decode.ts';
import type { EngineCommand } from './engine.ts';
import { readLines } from './lines.ts';
import { engineProblem } from './refusals.ts';
import { giveOrder, superviseEngine, type SupervisedProcess } from './supervisor.ts';

/** A record as the script prints it; numbers in ns, registers in hexadecimal. */
export interface RawCall {
  readonly startNs: number;
  readonly durationNs: number;
  readonly pid: number;
  readonly tid: number;
  /** Running, runnable, blocked, waiting for I/O. */
  readonly timesNs: readonly [number, number, number, number];
  readonly entry: string;
  readonly returned: string;
  readonly registers: readonly string[];
  readonly texts: readonly string[];
  /** Return addresses, hexadecimal, the immediate caller's first. */
  readonly callers: readonly string[];
}

const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 5_000;
const STDERR_KEPT = 16_384;

/** One bpftrace that records single calls. */
export class CallsEngine {
  readonly #child: SupervisedProcess;
  readonly #off: string;
  readonly #texts: number;
  readonly #onCall: (call: RawCall) => void;
  /** `@n`, `@cn` and `@ct` as last printed. */
  readonly totals = new Map<string, ReadonlyMap<string, number>>();
  /** CLOCK_MONOTONIC of the target against its wall clock, by the script's first word. */
  wallClockOffsetMs = 0;
  #stderr = '';
  #plain = '';
  #isReady = false;
  #problem: Problem | undefined;
  readonly ended: Promise<Problem>;
  readonly #ready: Promise<void>;
  readonly #said: Promise<void>;

  constructor(options: {
    readonly command: EngineCommand;
    readonly script: string;
    readonly off: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly texts: number;
    readonly onCall: (call: RawCall) => void;
  }) {
    const { command, script, off, args, env } = options;
    this.#off = off;
    this.#texts = options.texts;
    this.#onCall = options.onCall;
    this.#child = superviseEngine([...command.words, ...args, '-f', 'json', '-'], script, off, env);
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    let ready = (): void => undefined;
    let said = (): void => undefined;
    const isReady = new Promise<void>((resolve) => (ready = resolve));
    this.#said = new Promise<void>((resolve) => (said = resolve));
    readLines(this.#child.stdout, (line) => {
      const word = this.#take(line);
      if (word === 'ready') ready();
      else if (word === 'end') said();
    });
    this.ended = new Promise((resolve) => {
      const end = (exitCode: number | null, signal: string | null): void => {
        this.#problem ??= engineProblem({
          exitCode,
          signal,
          stderr: this.#stderr,
          stdout: this.#plain,
          command,
          wasReady: this.#isReady,
        });
        said();
        resolve(this.#problem);
      };
      this.#child.on('error', () => {
        end(127, null);
      });
      this.#child.on('close', end);
    });
    this.#ready = Promise.race([
      isReady,
      this.ended.then((problem) => {
        throw new ProbeError(problem);
      }),
    ]);
    this.#ready.catch(() => undefined);
  }

  /** Resolves when everything is attached. Throws what bpftrace said when it could not be. */
  async ready(cancelled?: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const stop = new Promise<never>((_, reject) => {
      const cancel = (): void => {
        reject(new ProbeError({ code: 'cancelled', message: 'Attaching was cancelled.' }));
      };
      cancelled?.addEventListener('abort', cancel, { once: true });
      if (cancelled?.aborted === true) cancel();
      timer = setTimeout(() => {
        reject(
          new ProbeError({
            code: 'engine-refused',
            message: `bpftrace did not finish attaching within ${START_TIMEOUT_MS / 1000} s.`,
            remedy: 'Look at the load of the target, and try again.',
          }),
        );
      }, START_TIMEOUT_MS);
    });
    try {
      await Promise.race([this.#ready, stop]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Has the last figures printed and ends it; detaching goes on for a while after that. */
  async finish(): Promise<void> {
    this.#problem ??= { code: 'cancelled', message: 'The engine was ended.' };
    giveOrder(this.#off);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([this.#said, new Promise<void>((done) => (timer = setTimeout(done, END_TIMEOUT_MS)))]);
    clearTimeout(timer);
    this.kill();
  }

  kill(): void {
    this.#problem ??= { code: 'cancelled', message: 'The engine was ended.' };
    this.#child.stdin.end();
  }

  /** The script's word on this line, if it is one. */
  #take(line: string): 'ready' | 'end' | undefined {
    const said = decodeLine(line);
    switch (said.kind) {
      case 'map':
        this.totals.set(said.name, new Map([...said.entries].map(([key, [value = 0]]) => [key, value])));
        return undefined;
      case 'printf': {
        const [word, number = ''] = said.text.trimEnd().split(' ', 2);
        if (word === 'c') {
          const call = decodeCall(said.text, this.#texts);
          if (call !== undefined) this.#onCall(call);
        } else if (word === 'ready') {
          this.#isReady = true;
          // what is printed arrives within milliseconds, and the offset is for people
          this.wallClockOffsetMs = Date.now() - Number(number) / 1e6;
          return 'ready';
        } else if (word === 'end') return 'end';
        return undefined;
      }
      case 'other':
        this.#plain = `${this.#plain}${line}\n`.slice(-STDERR_KEPT);
        return undefined;
      default:
        return undefined;
    }
  }
}

/** Reads `c START DURATION PID TID T1 T2 T3 T4 ENTRY RETVAL ARG…`, `texts` lines, and a stack. Undefined when it is cut off. */
export function decodeCall(text: string, texts: number): RawCall | undefined {
  const lines = text.split('\n');
  const words = (lines[0] ?? '').split(' ').slice(1);
  if (words.length < 10) return undefined;
  const [startNs, durationNs, pid, tid, ...times] = words.slice(0, 8).map(Number);
  if (words.slice(0, 8).some((word) => !/^-?\d+$/.test(word))) return undefined;
  // A text may hold line breaks itself; the stack's lines are addresses, and stand last.
  let stack = lines.length;
  while (stack > 1 && /^\s*(?:(?:0x)?[0-9a-f]{6,16}(?:\s.*)?)?$/.test(lines[stack - 1] ?? '')) stack--;
  const said = lines.slice(1, stack);
  return {
    startNs: startNs ?? 0,
    durationNs: durationNs ?? 0,
    pid: pid ?? 0,
    tid: tid ?? 0,
    timesNs: [times[0] ?? 0, times[1] ?? 0, times[2] ?? 0, times[3] ?? 0],
    entry: words[8] ?? '0',
    returned: words[9] ?? '0',
    registers: words.slice(10),
    texts:
      texts === 0
        ? []
        : Array.from({ length: texts }, (_, index) =>
            index === texts - 1 ? said.slice(index).join('\n') : (said[index] ?? ''),
          ),
    callers: lines
      .slice(stack)
      .map((line) => /^\s*(?:0x)?([0-9a-f]+)/.exec(line)?.[1])
      .filter((address) => address !== undefined),
  };
}
