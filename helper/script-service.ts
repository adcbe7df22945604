import { execa } from 'execa';
import type { EngineCommand } from './engines/bpftrace/engine.ts';
import { engineCommand } from './engines/bpftrace/host-command.ts';
import { checkScript } from './engines/bpftrace/verdict.ts';
import { ScriptRun } from './engines/bpftrace/scripts/run.ts';
import { atLeast } from './engines/bpftrace/version.ts';
import type { Privilege } from './privilege/privilege.ts';
import type { Notify } from './rpc.ts';
import { ProbeError } from '../protocol/errors.ts';
import type { AttachCount, RunId, ScriptSpec, ScriptStarted } from '../protocol/script.ts';

/** The script travels in the environment, which together with the arguments may have 2 MB (a quarter of the stack's limit). */
const LONGEST_SCRIPT = 1_000_000;
const MOST_ARGUMENTS = 32;
const LONGEST_ARGUMENT = 4096;
const MOST_KEYS = 10_000_000;
/** Listing every function of a large binary takes bpftrace 0.17 seconds. */
const LIST_TIMEOUT_MS = 60_000;
const EXAMPLES = 20;

/** The scripts of the user's that a helper runs. */
export class ScriptService {
  readonly #notify: Notify;
  readonly #runs = new Map<RunId, ScriptRun>();

  constructor(notify: Notify) {
    this.#notify = notify;
  }

  readonly handlers = {
    startScript: (spec: ScriptSpec): Promise<ScriptStarted> => this.#start(spec),
    stopScript: async ({ run }: { run: RunId }): Promise<Record<string, never>> => {
      await this.#runs.get(run)?.stop();
      return {};
    },
    countAttachPoints: ({ attachPoint }: { attachPoint: string }): Promise<AttachCount> =>
      countAttachPoints(attachPoint),
  };

  /** Ends everything; resolves when no process is left. */
  async dispose(): Promise<void> {
    const runs = [...this.#runs.values()];
    for (const run of runs) run.kill();
    await Promise.all(runs.map((run) => run.ended));
  }

  async #start(spec: ScriptSpec): Promise<ScriptStarted> {
    if (this.#runs.has(spec.run))
      throw new ProbeError({ code: 'invalid-argument', message: `Run ${spec.run} has started already.` });
    checkSpec(spec);
    const { command, privilege } = await engineCommand();
    checkAgainst(spec, command, privilege);
    const run = new ScriptRun({
      spec,
      command,
      onOutput: (output) => this.#notify('scriptOutput', output),
      onEnded: (end) => {
        this.#runs.delete(spec.run);
        this.#notify('scriptEnded', end);
      },
      recheck: async () => {
        if (privilege.way === 'wrapper') return [];
        const asked = { command: command.words, version: command.version };
        return (await checkScript(asked, spec.script, { unsafe: spec.unsafe })).remarks;
      },
    });
    this.#runs.set(spec.run, run);
    return { engine: `bpftrace ${command.version}`, pid: run.pid };
  }
}

function checkSpec({ script, args, durationMs, mapKeys }: ScriptSpec): void {
  const refuse = (message: string, remedy: string): never => {
    throw new ProbeError({ code: 'invalid-argument', message, remedy });
  };
  if (script.trim() === '')
    refuse('The script is empty.', 'Write a probe, for example: BEGIN { printf("hello\\n"); }');
  if (script.includes('\0'))
    refuse(
      'The script holds a NUL character; it may be a binary file.',
      'Open a bpftrace script, which is text.',
    );
  if (Buffer.byteLength(script) > LONGEST_SCRIPT)
    refuse(
      `The script has ${Buffer.byteLength(script)} bytes; ${LONGEST_SCRIPT} are the most that are run.`,
      'Split it: bpftrace itself takes seconds to compile a tenth of that.',
    );
  if (args.length > MOST_ARGUMENTS || args.some((arg) => arg.includes('\0') || arg.length > LONGEST_ARGUMENT))
    refuse(
      `At most ${MOST_ARGUMENTS} arguments of ${LONGEST_ARGUMENT} characters can be given, without NUL.`,
      'Shorten them.',
    );
  if (durationMs !== undefined && !(durationMs > 0 && durationMs <= 0x7fffffff))
    refuse('The duration must be longer than 0 and shorter than 24 days.', 'Give a duration such as 10s.');
  if (mapKeys !== undefined && !(Number.isInteger(mapKeys) && mapKeys > 0 && mapKeys <= MOST_KEYS))
    refuse(`A map can have 1 to ${MOST_KEYS} keys.`, 'Give a number such as 100000.');
}

function checkAgainst(spec: ScriptSpec, command: EngineCommand, privilege: Privilege): void {
  if (spec.unsafe && privilege.way === 'wrapper')
    throw new ProbeError({
      code: 'no-privileges',
      message:
        'The wrapper on this target runs no unsafe scripts: --unsafe lets a script run any command as root.',
      remedy: 'Run the script without unsafe functions, or as root in a terminal over there.',
    });
  if (spec.mapKeys !== undefined && !command.passesEnvironment && !command.takesKeys)
    throw new ProbeError({
      code: 'no-privileges',
      message: 'sudo does not pass on how many keys a map may have.',
      remedy: atLeast(command.version, '0.20')
        ? 'Say it in the script: config = { max_map_keys = 100000 }'
        : 'Install the wrapper (probescope wrapper install), which does.',
    });
}

/** Asks `bpftrace -l`; the attach point is one argument, and none that could be an option. */
async function countAttachPoints(attachPoint: string): Promise<AttachCount> {
  if (!/^[a-zA-Z_*][^\0\n:]*:[^\0\n]{0,1000}$/.test(attachPoint))
    throw new ProbeError({
      code: 'invalid-argument',
      message: `${JSON.stringify(attachPoint.slice(0, 100))} is no attach point.`,
      remedy: 'Write it as TYPE:PLACE, for example tracepoint:block:*.',
    });
  const { command } = await engineCommand();
  const [program = '', ...words] = [...command.words, '-l', attachPoint];
  const { exitCode, stdout, stderr } = await execa(program, words, {
    reject: false,
    timeout: LIST_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 100_000_000,
    stdin: 'ignore',
  });
  if (exitCode !== 0)
    throw new ProbeError({
      code: 'engine-refused',
      message: `bpftrace ${command.version} cannot list ${attachPoint}: ${stderr.split('\n').find((line) => /error/i.test(line)) ?? `exit code ${exitCode ?? 'none'}`}`,
      remedy: 'Look at the attach point: its type, and for uprobe and usdt the path of the binary.',
    });
  const found = new Set(stdout.split('\n').filter((line) => line.includes(':')));
  return { count: found.size, examples: [...found].slice(0, EXAMPLES) };
}
