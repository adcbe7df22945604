import { hostname, release } from 'node:os';
import { resolve } from 'node:path';
import { ProbeAggregate } from '../extension/core/aggregate.ts';
import { subjectName } from '../extension/core/probe.ts';
import { TraceSession } from '../extension/core/session.ts';
import { executableOf } from '../helper/host/processes.ts';
import { ProbeError, type Problem } from '../protocol/errors.ts';
import { KERNEL, type ProbeSpec, type Subject } from '../protocol/probe.ts';
import { measureRefusal, refusalReasons, usedSites } from '../protocol/sites.ts';
import {
  exitCodes,
  parseCommandLine,
  parseDurationMs,
  parsePid,
  UsageError,
  type Command,
} from './command.ts';
import { addDescription, gitMeta } from '../extension/core/recording/circumstances.ts';
import type { RecordingWriter } from '../extension/core/recording/writer.ts';
import { localHelper, type LocalHelper } from './in-process.ts';
import { onNewerNode } from './newer-node.ts';
import { asJson, asText, type TracedProbe } from './trace-output.ts';

const traceMeasures = ['latency', 'count', 'callers'] as const;
type TraceMeasure = (typeof traceMeasures)[number];

const DEFAULT_DURATION = '5s';
/** A recording is written as the figures come. */
const RECORDED_EVERY_MS = 1000;
/** Otherwise nobody sees them before the end, which brings the newest, also where the engine was killed. */
const UNSEEN_EVERY_MS = 60_000;

interface Request {
  /** Absent where only functions of the kernel are measured. */
  readonly binary?: string;
  readonly pid?: number;
  readonly functions: readonly string[];
  readonly kernelFunctions: readonly string[];
  readonly usdt: readonly { readonly provider: string; readonly name: string }[];
  readonly measures: readonly TraceMeasure[];
  readonly durationMs: number;
  readonly json: boolean;
  /** The recording to write. */
  readonly out?: string;
}

export const trace: Command = {
  usage: `usage: probescope trace --binary FILE --function NAME [--function NAME…] [--usdt PROVIDER:NAME…]
                        [--pid PID] [--measure latency|count|callers] [--duration 5s] [--json] [--out FILE]
       probescope trace --kernel-function NAME [--kernel-function NAME…] [--pid PID] [--measure …] [--duration 5s] …

Attaches probes to functions and USDT probes, measures for a while and prints what was measured.
  --binary FILE      the program or library; may be left out with --pid
  --function NAME    a function as the source or nm spells it; overloads become a probe each
  --usdt P:N         a USDT probe; counted, with its callers when asked for
  --kernel-function N  a function of the kernel or of a module (NAME, MODULE:NAME), by fentry and fexit where the kernel has
                     them for it, else by kprobe and kretprobe; all processes unless --pid names one
  --pid PID          only this process; every process that runs the binary otherwise
  --measure M        latency (the default), count or callers; may be given more than once
  --duration TIME    how long: 500ms, 5s (the default), 2m. Ctrl-C and the end of the process end it earlier
  --json             one JSON object on standard output, durations in ns
  --out FILE         also writes a recording, which VS Code opens and probescope query reads

Exit 0 when it was measured, 1 when it could not be, 2 when the command line is wrong.`,

  async run(args) {
    const request = await readRequest(args);
    if (request.out !== undefined) {
      const rerun = onNewerNode();
      if (rerun !== undefined) return rerun;
    }
    const started = performance.now();
    const helper = await localHelper();
    let stillDetaching: NodeJS.Timeout | undefined;
    try {
      return await measure(helper, request, (step) => progress(started, step));
    } finally {
      stillDetaching = setTimeout(() => progress(started, 'the kernel is still detaching the probes'), 2000);
      await helper.close();
      clearTimeout(stillDetaching);
    }
  },
};

function progress(started: number, text: string): void {
  process.stderr.write(`probescope: ${((performance.now() - started) / 1000).toFixed(2)} s: ${text}\n`);
}

async function readRequest(args: readonly string[]): Promise<Request> {
  const { values, positionals } = parseCommandLine(args, {
    binary: { type: 'string' },
    function: { type: 'string', multiple: true },
    usdt: { type: 'string', multiple: true },
    'kernel-function': { type: 'string', multiple: true },
    pid: { type: 'string' },
    measure: { type: 'string', multiple: true },
    duration: { type: 'string' },
    json: { type: 'boolean' },
    out: { type: 'string' },
  });
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
  const pid = values.pid === undefined ? undefined : parsePid(values.pid);
  const functions = values.function ?? [];
  const usdt = (values.usdt ?? []).map(parseUsdt);
  const kernelFunctions = values['kernel-function'] ?? [];
  if (functions.length + usdt.length + kernelFunctions.length === 0)
    throw new UsageError('give --function NAME, --usdt PROVIDER:NAME or --kernel-function NAME');
  if (functions.some((name) => name.trim() === '')) throw new UsageError('--function needs a name');
  for (const name of kernelFunctions)
    if (!/^(?:\w+:)?[A-Za-z_][\w.]*$/.test(name))
      throw new UsageError(
        `--kernel-function ${name}: a name as the kernel spells it, or MODULE:NAME, is expected`,
      );
  const durationMs = parseDurationMs(values.duration ?? DEFAULT_DURATION);
  if (durationMs <= 0) throw new UsageError('--duration must be longer than 0');
  const measures = (values.measure ?? ['latency']).flatMap((list) => list.split(',')).map(parseMeasure);
  const inBinary = functions.length + usdt.length > 0;
  if (inBinary && values.binary === undefined && pid === undefined)
    throw new UsageError('give --binary FILE or --pid PID');
  if (!inBinary && values.binary !== undefined)
    throw new UsageError('--binary belongs to --function and --usdt, of which none is given');
  return {
    ...(inBinary
      ? { binary: values.binary === undefined ? await executableOfProcess(pid ?? 0) : resolve(values.binary) }
      : {}),
    functions,
    kernelFunctions,
    usdt,
    measures: [...new Set(measures)],
    durationMs,
    json: values.json === true,
    ...(values.out === undefined ? {} : { out: resolve(values.out) }),
    ...(pid === undefined ? {} : { pid }),
  };
}

function parseMeasure(text: string): TraceMeasure {
  const found = traceMeasures.find((measure) => measure === text);
  if (found === undefined) throw new UsageError(`${text} is not a measure: ${traceMeasures.join(', ')}`);
  return found;
}

function parseUsdt(text: string): { provider: string; name: string } {
  const match = /^([^:]+):([^:]+)$/.exec(text);
  if (match === null) throw new UsageError(`${text} is not PROVIDER:NAME`);
  return { provider: match[1] ?? '', name: match[2] ?? '' };
}

async function executableOfProcess(pid: number): Promise<string> {
  const path = await executableOf(pid);
  if (path !== undefined) return path;
  throw new ProbeError({
    code: 'process-gone',
    message: `The executable of process ${pid} cannot be read.`,
    remedy:
      'Check that the process runs, and that it is yours or you are root; or name the file with --binary.',
  });
}

async function measure(
  { connection }: LocalHelper,
  request: Request,
  say: (step: string) => void,
): Promise<number> {
  const subjects = await lookUp(connection, request);
  const probes = subjects.map((subject, index): TracedProbe & { spec: ProbeSpec } => {
    const measures = request.measures.filter((one) => subject.kind !== 'usdt' || one !== 'latency');
    const spec: ProbeSpec = {
      id: index + 1,
      binary: binaryOf(subject, request),
      subject,
      measures: measures.length === 0 ? ['count'] : measures,
      ...(request.pid === undefined ? {} : { pid: request.pid }),
    };
    return { spec, subject, aggregate: new ProbeAggregate() };
  });
  say(`found ${subjects.map(subjectName).join(', ')}`);
  for (const { spec } of probes) {
    const problem = measureRefusal(spec.subject, spec.measures, spec.binary);
    if (problem !== undefined) throw new ProbeError(problem);
  }
  const risky = subjects.filter((subject) => subject.kind === 'function' && subject.unwinding === 'possible');
  if (request.measures.includes('latency') && risky.length > 0)
    say(
      `the program uses exceptions: one that passes through ${risky.map(subjectName).join(', ')} while its latency is measured would end the program; --measure count has no such risk`,
    );
  const recording =
    request.out === undefined ? undefined : await startRecording(request.out, request, probes);
  const stop = new Stop();
  const session = new TraceSession(connection, {
    onSnapshot: (snapshot) => {
      recording?.addSnapshot(snapshot);
      for (const totals of snapshot.probes)
        probes
          .find(({ spec }) => spec.id === totals.probe)
          ?.aggregate.add(totals, snapshot.monotonicNs, snapshot.wallClockMs);
    },
    onEnded: (problem) => stop.now({ problem, failed: true }),
    onNote: (id, message) => {
      const noted = probes.find(({ spec }) => spec.id === id);
      say(noted === undefined ? message : `${subjectName(noted.subject)}: ${message}`);
    },
    onProbeEnded: (_probe, problem) => stop.now({ problem, failed: false }),
  });
  const abort = new AbortController();
  const interrupted = (): void => {
    abort.abort();
    stop.now({ failed: false });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);
  try {
    const attached = await session.open(
      probes.map(({ spec }) => spec),
      recording === undefined ? UNSEEN_EVERY_MS : RECORDED_EVERY_MS,
      abort.signal,
    );
    if (recording !== undefined) addDescription(recording, await session.describe());
    say(`attached to ${attachedText(attached, probes)}, measuring for ${request.durationMs / 1000} s`);
    for (const { subject, spec } of probes)
      for (const reason of refusalReasons(usedSites(subject, spec.measures).refused))
        say(`${subjectName(subject)}: ${reason}`);
    const end = await stop.after(request.durationMs);
    await session.close();
    recording?.finish();
    if (recording !== undefined) say(`recorded in ${request.out}`);
    if (end.problem !== undefined) say(`${end.problem.message} ${end.problem.remedy ?? ''}`.trim());
    print(request, probes);
    return end.failed ? exitCodes.failed : exitCodes.ok;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  }
}

/** `4 places`, or `3 of 4 places`. */
function attachedText(attached: number, probes: readonly { readonly spec: ProbeSpec }[]): string {
  const used = probes.map(({ spec }) => usedSites(spec.subject, spec.measures));
  const all = used.reduce((sum, { sites, refused }) => sum + sites.length + refused.length, 0);
  return `${attached}${all > attached ? ` of ${all}` : ''} ${all === 1 ? 'place' : 'places'}`;
}

/** SQLite is loaded only when it is needed: older Nodes do without. */
async function startRecording(
  path: string,
  request: Request,
  probes: readonly (TracedProbe & { readonly spec: ProbeSpec })[],
): Promise<RecordingWriter> {
  const { RecordingWriter } = await import('../extension/core/recording/writer.ts');
  const git = await gitMeta(process.cwd());
  const recording = new RecordingWriter(path, {
    title: `trace of ${request.binary ?? request.kernelFunctions.join(', ')}`,
    host: hostname(),
    kernel: release(),
    command: `probescope ${process.argv.slice(2).join(' ')}`,
    ...git,
  });
  for (const { spec, subject } of probes) recording.addProbe(spec, subjectName(subject));
  return recording;
}

async function lookUp(connection: LocalHelper['connection'], request: Request): Promise<Subject[]> {
  const { binary = KERNEL } = request;
  const found = await Promise.all([
    ...request.kernelFunctions.map(
      async (name) => (await connection.call('lookUp', { binary: KERNEL, function: name })).subjects,
    ),
    ...request.functions.map(async (name) => {
      const { subjects } = await connection.call('lookUp', { binary, function: name });
      return subjects.filter((subject) => subject.kind === 'function');
    }),
    ...request.usdt.map(async (usdt) => (await connection.call('lookUp', { binary, usdt })).subjects),
  ]);
  const unique = new Map(found.flat().map((subject) => [`${subject.kind} ${subjectName(subject)}`, subject]));
  return [...unique.values()];
}

const binaryOf = ({ kind }: Subject, { binary = KERNEL }: Request): string =>
  kind === 'kernel-function' ? KERNEL : binary;

interface End {
  readonly problem?: Problem;
  readonly failed: boolean;
}

/** Waits for the end, whichever reason comes first. */
class Stop {
  #resolve: ((end: End) => void) | undefined;
  #end: End | undefined;

  now(end: End): void {
    this.#end ??= end;
    this.#resolve?.(this.#end);
  }

  async after(durationMs: number): Promise<End> {
    if (this.#end !== undefined) return this.#end;
    let timer: NodeJS.Timeout | undefined;
    const end = await new Promise<End>((resolve) => {
      this.#resolve = resolve;
      timer = setTimeout(() => resolve({ failed: false }), durationMs);
    });
    clearTimeout(timer);
    return end;
  }
}

function print(request: Request, probes: readonly TracedProbe[]): void {
  const target = {
    hostname: hostname(),
    kernelRelease: release(),
    ...(request.binary === undefined ? {} : { binary: request.binary }),
    ...(request.pid === undefined ? {} : { pid: request.pid }),
  };
  process.stdout.write(
    request.json
      ? `${JSON.stringify({ target, probes: probes.map((probe) => asJson(probe, request.measures)) })}\n`
      : asText(probes, request.measures),
  );
}
