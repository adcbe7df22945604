import { readFileSync } from 'node:fs';
import { asProblem, type Problem } from '../../../../protocol/errors.ts';
import type { ScriptEnd, ScriptMap, ScriptOutput, ScriptSpec } from '../../../../protocol/script.ts';
import type { VerdictRemark } from '../../../../protocol/verdict.ts';
import type { EngineCommand } from '../engine.ts';
import { orderToken } from '../quote.ts';
import { giveOrder, superviseEngine, type SupervisedProcess } from '../supervisor.ts';
import { controlPoints, heartbeat, withControl } from './control.ts';
import { ScriptDecoder } from './decode.ts';
import { endProblem } from './end.ts';
import { LogLines } from './log-lines.ts';
import { isBeyond, isHarmless, placeIn, scriptRemarks } from './remarks.ts';

export interface ScriptRunOptions {
  readonly spec: ScriptSpec;
  readonly command: EngineCommand;
  readonly onOutput: (output: ScriptOutput) => void;
  readonly onEnded: (end: ScriptEnd) => void;
  /** Takes every printing of a map; without it they go with the output, each as it was printed last. */
  readonly onMap?: (map: ScriptMap) => void;
  /** Stacks come as addresses: naming those of a machine's large programs takes bpftrace longer than it is waited for. */
  readonly addressesOnly?: boolean;
  /** What bpftrace says of the script alone, asked when an error lies in what was put after it. */
  readonly recheck: () => Promise<readonly VerdictRemark[]>;
}

const FLUSH_MS = 100;
/** Larger maps are sent at most once a second. */
const LARGE_MAP = 5000;
const LARGE_MAP_MS = 1000;
const KEPT_TEXT = 65_536;
const MOST_REMARKS = 1000;
/** A line longer than this is given up: 100,000 keys with stacks of 100 frames are half of it. */
const LONGEST_LINE = 1 << 28;
/** The order is given again: `exit()` travels through the same buffers as a flood of `printf`, and may be lost there. */
const ORDER_EVERY_MS = 50;
/** An engine that does not obey the order is sent a signal after the first, and ended by its supervisor after the second or, while it prints its maps, the third. */
const SIGNAL_AFTER_MS = 5_000;
const PATIENCE_MS = 8_000;
const PRINTING_PATIENCE_MS = 20_000;

const textLine = /^\{"type": "(?:printf|time|cat|join|value|syscall)"/;

/** A script of the user's in one bpftrace, from start to end. */
export class ScriptRun {
  readonly #options: ScriptRunOptions;
  readonly #child: SupervisedProcess;
  readonly #off = orderToken();
  readonly #startedMs = performance.now();
  readonly #decoder = new ScriptDecoder();
  readonly #log = new LogLines();
  readonly #maps = new Map<string, ScriptMap>();
  readonly #sentMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #expiry: NodeJS.Timeout | undefined;
  readonly #alive: string;
  #rest = '';
  #stderr = '';
  #stderrRest = '';
  #plainText = '';
  #attached: number | undefined;
  #lostEvents = 0;
  #lostLines = 0;
  #lostEntries = 0;
  readonly #said = new Map<string, number>();
  #told = '';
  #stopping: NodeJS.Timeout | undefined;
  #stopped = false;
  #problem: Problem | undefined;
  #lastMapMs = 0;
  readonly ended: Promise<void>;

  constructor(options: ScriptRunOptions) {
    this.#options = options;
    const { spec, command } = options;
    this.#alive = heartbeat(this.#off);
    const script = withControl(spec.script, this.#off, command.version);
    this.#child = superviseEngine(commandLine(spec, command), script, this.#off, environment(options));
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => this.#readErrors(text));
    this.#timer = setInterval(() => this.#flush(false), FLUSH_MS);
    if (spec.durationMs !== undefined) this.#expiry = setTimeout(() => void this.stop(), spec.durationMs);
    this.ended = new Promise((resolve) => {
      const end = (exitCode: number | null, signal: string | null): void => {
        void this.#finish(exitCode, signal).finally(resolve);
      };
      this.#child.once('error', () => end(127, null));
      this.#child.once('close', end);
    });
  }

  /** Process of the supervisor. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks it to detach, print its maps and end; resolves when it has ended. */
  stop(): Promise<void> {
    if (this.#stopping !== undefined || this.#stopped) return this.ended;
    this.#stopped = true;
    const askedMs = this.#nowMs();
    let isInterrupted = false;
    const ask = (): void => {
      const waitedMs = this.#nowMs() - askedMs;
      const isPrinting = this.#lastMapMs > askedMs;
      if (waitedMs > (isPrinting ? PRINTING_PATIENCE_MS : PATIENCE_MS)) return this.kill();
      // before anything is attached nobody hears the order
      if (!isInterrupted && (this.#attached === undefined || (waitedMs > SIGNAL_AFTER_MS && !isPrinting))) {
        isInterrupted = true;
        this.#interrupt();
      }
      giveOrder(this.#off);
    };
    ask();
    this.#stopping = setInterval(ask, ORDER_EVERY_MS);
    return this.ended;
  }

  /** Ends it by its supervisor, within a second or so. */
  kill(): void {
    this.#stopped = true;
    this.#child.stdin.end();
  }

  /**
   * A signal where the engine runs as the helper does; an engine under sudo obeys the order alone. It is the last resort:
   * when it interrupts a write that waits for room in the pipe, bpftrace's `std::cout` fails with EINTR and swallows all
   * that was still to be said, the maps among it, and bpftrace exits with 0.
   */
  #interrupt(): void {
    if (this.#options.command.words.length !== 1) return;
    const { pid } = this;
    try {
      for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' '))
        if (!/^(?:sh|dash|bash|cat)$/.test(readFileSync(`/proc/${child}/comm`, 'utf8').trim()))
          process.kill(Number(child), 'SIGINT');
    } catch {
      // it has ended by itself, or /proc does not list children: the order remains
    }
  }

  #nowMs(): number {
    return performance.now() - this.#startedMs;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LONGEST_LINE) {
      this.#rest = '';
      this.#lostLines++;
    }
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    if (this.#log.isFull && textLine.test(line)) {
      if (!line.includes(this.#alive)) this.#lostLines++;
      return;
    }
    const timeMs = Math.round(this.#nowMs());
    const said = this.#decoder.decode(line);
    switch (said.kind) {
      case 'blank':
        return;
      case 'log':
        if (said.log === 'printf' && said.text === this.#alive) return;
        if (said.log === 'engine') {
          if (isHarmless(line)) return;
          this.#plainText = (this.#plainText + line + '\n').slice(-KEPT_TEXT);
        }
        if (said.place === undefined) this.#log.addText(timeMs, said.log, ensureEnd(said.log, said.text));
        else this.#log.add({ timeMs, kind: said.log, text: said.text, ...this.#placeOf(said.place) });
        return;
      case 'map':
        this.#lastMapMs = this.#nowMs();
        if (this.#options.onMap !== undefined) {
          this.#options.onMap(said.map);
          return;
        }
        this.#maps.set(said.map.name, said.map);
        this.#lostEntries = Math.max(this.#lostEntries, said.map.total - sizeOf(said.map));
        return;
      case 'attached':
        this.#attached =
          said.probes - controlPoints(this.#options.spec.script, this.#options.command.version);
        if (this.#attached <= 0) this.#nothingAttached();
        return;
      case 'lost':
        this.#lostEvents += said.events;
    }
  }

  /** Releases before 0.23 pass over functions that they do not find without a word. */
  #nothingAttached(): void {
    this.#problem = {
      code: 'probe-refused',
      message: 'Nothing was attached: no attach point of the script exists on this target.',
      remedy:
        'Look at the names in the script; “Show attach count” above a probe tells what a pattern matches there.',
    };
    this.kill();
  }

  #placeOf({ line, column }: { line: number; column: number }): { line: number; character: number } {
    const text = this.#options.spec.script.split('\n')[line] ?? '';
    return { line, character: Buffer.from(text).subarray(0, column).toString().length };
  }

  #readErrors(text: string): void {
    this.#stderr = (this.#stderr + text).slice(-KEPT_TEXT);
    const lines = (this.#stderrRest + text).split('\n');
    this.#stderrRest = lines.pop() ?? '';
    // what comes before anything is attached is about the script, and is told with its places at the end
    if (this.#attached === undefined) return;
    const timeMs = Math.round(this.#nowMs());
    for (const line of lines) if (!isHarmless(line)) this.#remark(timeMs, line);
  }

  /** What bpftrace says again and again (each printing of a map of stacks may) stands in the log once, and is counted. */
  #remark(timeMs: number, line: string): void {
    const said = (this.#said.get(line) ?? 0) + 1;
    if (said > 1 || this.#said.size < MOST_REMARKS) this.#said.set(line, said);
    if (said > 1) return;
    const isError = line.startsWith('ERROR: ');
    this.#log.add({
      timeMs,
      kind: isError ? 'error' : 'engine',
      text: line.replace(/^(?:ERROR|WARNING): /, ''),
      ...(isError ? placeIn(this.#options.spec.script, line) : {}),
    });
  }

  #flush(ended: boolean): void {
    const timeMs = Math.round(this.#nowMs());
    const lines = this.#log.take(timeMs, ended);
    const maps: ScriptMap[] = [];
    for (const [name, map] of this.#maps) {
      const isDue =
        sizeOf(map) < LARGE_MAP || timeMs - (this.#sentMs.get(name) ?? -LARGE_MAP_MS) >= LARGE_MAP_MS;
      if (!isDue && !ended) continue;
      maps.push(map);
      this.#maps.delete(name);
      this.#sentMs.set(name, timeMs);
    }
    const lost = {
      events: this.#lostEvents,
      lines: this.#lostLines + this.#log.dropped,
      entries: this.#lostEntries,
    };
    const told = `${lost.events} ${lost.lines} ${lost.entries} ${this.#attached}`;
    if (lines.length === 0 && maps.length === 0 && told === this.#told) return;
    this.#told = told;
    this.#options.onOutput({
      run: this.#options.spec.run,
      timeMs,
      lines,
      maps,
      lost,
      ...(this.#attached === undefined ? {} : { attached: Math.max(0, this.#attached) }),
    });
  }

  async #finish(exitCode: number | null, signal: string | null): Promise<void> {
    clearInterval(this.#timer);
    clearInterval(this.#stopping);
    clearTimeout(this.#expiry);
    if (this.#rest !== '') this.#take(this.#rest);
    const { spec, command } = this.#options;
    const failed = exitCode !== 0 && !this.#stopped;
    const heard = `${this.#stderr}\n${this.#plainText}`;
    let remarks: readonly VerdictRemark[] = scriptRemarks(heard, spec.script, failed);
    if (isBeyond(remarks, heard, spec.script)) {
      const alone = await this.#options.recheck().catch((error: unknown) => asProblem(error));
      if (Array.isArray(alone) && alone.length > 0) remarks = alone as VerdictRemark[];
    }
    const problem =
      this.#problem ??
      (failed
        ? endProblem({
            exitCode,
            signal,
            stderr: this.#stderr,
            stdout: this.#plainText,
            command,
            remarks,
            wasAttached: this.#attached !== undefined,
          })
        : undefined);
    const timeMs = Math.round(this.#nowMs());
    if (this.#attached === undefined || problem !== undefined)
      for (const { severity, message, line, character } of remarks)
        if (!this.#said.has(`ERROR: ${message}`))
          this.#log.add({ timeMs, kind: severity, text: message, line, character });
    for (const [text, count] of this.#said)
      if (count > 1) this.#log.add({ timeMs, kind: 'engine', text: `said ${count} times: ${text}` });
    this.#flush(true);
    this.#options.onEnded({
      run: spec.run,
      timeMs,
      exitCode,
      stopped: this.#stopped && this.#problem === undefined,
      remarks,
      ...(problem === undefined ? {} : { problem }),
    });
  }
}

/** Some kinds are whole lines without saying so. */
function ensureEnd(kind: string, text: string): string {
  return kind === 'printf' || kind === 'cat' || kind === 'time' || text.endsWith('\n') ? text : `${text}\n`;
}

function sizeOf(map: ScriptMap): number {
  switch (map.kind) {
    case 'values':
      return map.keys.length;
    case 'stats':
      return map.entries.length;
    case 'hist':
    case 'tseries':
      return map.series.length;
  }
}

/** Positional parameters follow `--`, so that one that begins with a dash is no option of bpftrace's. */
function commandLine(spec: ScriptSpec, command: EngineCommand): string[] {
  return [
    ...command.words,
    ...(spec.mapKeys !== undefined && command.takesKeys ? ['--map-keys', String(spec.mapKeys)] : []),
    ...(spec.unsafe ? ['--unsafe'] : []),
    ...['-f', 'json'],
    ...(spec.args.length === 0 ? ['-'] : ['--', '-', ...spec.args]),
  ];
}

/** The name changed in 0.20; an old one is a warning to newer releases at most. */
function environment({ spec, addressesOnly }: ScriptRunOptions): Record<string, string> {
  const { mapKeys } = spec;
  return {
    ...(addressesOnly === true ? { BPFTRACE_NO_USER_SYMBOLS: '1' } : {}),
    ...(mapKeys === undefined
      ? {}
      : { BPFTRACE_MAP_KEYS_MAX: String(mapKeys), BPFTRACE_MAX_MAP_KEYS: String(mapKeys) }),
  };
}
