import { accessSync, constants, existsSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { gitMeta } from '../extension/core/recording/circumstances.ts';
import { profileMeta, profileTitle } from '../extension/core/profile-meta.ts';
import { hottestFunctions, statesOf } from '../profile/hottest.ts';
import { formatNumber, formatWeight } from '../profile/weights.ts';
import { formatDuration } from '../protocol/format.ts';
import { ProbeError } from '../protocol/errors.ts';
import { isEventName, type ProfileSpec } from '../protocol/live-profile.ts';
import type { Profile } from '../protocol/profile.ts';
import {
  exitCodes,
  parseCommandLine,
  parseDurationMs,
  parsePid,
  UsageError,
  type Command,
} from './command.ts';
import { measureProfile, type ProfileRequest } from './measure-profile.ts';
import { onNewerNode } from './newer-node.ts';
import { tell, writeRecording } from './profiles.ts';

export const command: Command = {
  usage: `usage: probescope profile (--pid P | --container C | --all | -- COMMAND …) --out RECORDING [--hz N] [--duration D] [--call-graph fp|dwarf]
       probescope profile --off-cpu (--pid P | --container C | --all | -- COMMAND …) --out RECORDING [--duration D]
       probescope profile --wall-clock (--pid P | --container C | --all | -- COMMAND …) --out RECORDING [--hz N] [--duration D]
       probescope profile --event EVENT (--pid P | --container C | --all | -- COMMAND …) --out RECORDING [--duration D] [--call-graph fp|dwarf]

Samples user and kernel stacks while they run on a CPU, with perf, and records them with file and line.
  --pid          a running process, with its threads
  --container    the processes of a container, by its name, id or RUNTIME:ID, with what they start
  --all          everything on this machine
  -- COMMAND     is started, and profiled until it ends
  --off-cpu      instead sums the time that threads are blocked, by the stack that blocked, with bpftrace
  --wall-clock   instead all time of all threads, by what they do: running (sampled), waiting for a CPU, blocked, waiting for I/O; with bpftrace
  --event        instead takes the stack of each occurrence of an event, as perf list names it: page-faults, syscalls:sys_enter_write
  --hz           samples a second and CPU; 99 without it, so that nothing periodic is met in step
  --duration     how long, such as 10s; until the end without it (10s for --pid, --container and --all)
  --call-graph   how stacks are walked; chosen by looking at the binary without it, and said`,
  async run(args) {
    const rerun = onNewerNode();
    if (rerun !== undefined) return rerun;
    const { values, positionals } = parseCommandLine(args, {
      pid: { type: 'string' },
      container: { type: 'string' },
      all: { type: 'boolean', default: false },
      hz: { type: 'string' },
      'off-cpu': { type: 'boolean', default: false },
      'wall-clock': { type: 'boolean', default: false },
      event: { type: 'string' },
      duration: { type: 'string' },
      'call-graph': { type: 'string' },
      out: { type: 'string' },
    });
    const { container } = values;
    const asked = [values.pid !== undefined, container !== undefined, values.all, positionals.length > 0];
    if (asked.filter(Boolean).length !== 1)
      throw new UsageError('name one of --pid P, --container C, --all and -- COMMAND');
    if (values.out === undefined) throw new UsageError('--out RECORDING is missing');
    if (existsSync(values.out))
      throw new UsageError(`${values.out} exists already; recordings are never written over`);
    checkFolder(values.out);
    const hz = values.hz ?? '99';
    if (!/^[1-9]\d{0,4}$/.test(hz)) throw new UsageError(`${hz} is no rate: 1 to 99999 samples a second`);
    const pid = values.pid === undefined ? undefined : parsePid(values.pid);
    const durationMs =
      values.duration === undefined
        ? positionals.length > 0
          ? undefined
          : 10_000
        : parseDurationMs(values.duration);
    const target: ProfileRequest['target'] =
      pid !== undefined
        ? { pid }
        : container !== undefined
          ? { container }
          : values.all
            ? 'machine'
            : { command: positionals };
    const name =
      pid !== undefined
        ? `Process ${pid} (${commandOf(pid)})`
        : container !== undefined
          ? `Container ${container}`
          : values.all
            ? `All of ${hostname()}`
            : positionals.join(' ');
    if (values['off-cpu'] && (values.hz !== undefined || values['call-graph'] !== undefined))
      throw new UsageError(
        '--off-cpu measures every wait by frame pointers: leave --hz and --call-graph out',
      );
    if (values['wall-clock'] && (values['off-cpu'] || values['call-graph'] !== undefined))
      throw new UsageError(
        '--wall-clock measures all time, by frame pointers: leave --off-cpu and --call-graph out',
      );
    const { event } = values;
    if (event !== undefined && (values.hz !== undefined || values['off-cpu'] || values['wall-clock']))
      throw new UsageError('--event takes each occurrence: leave --hz, --off-cpu and --wall-clock out');
    if (event !== undefined && !isEventName(event))
      throw new UsageError(
        `${event} is no name of an event, such as page-faults or syscalls:sys_enter_write`,
      );
    const program = positionals[0] === undefined ? undefined : programOf(positionals[0]);
    const callGraph = callGraphOf(values['call-graph']);
    const spec: ProfileRequest['spec'] = {
      kind: values['off-cpu']
        ? 'off-cpu'
        : values['wall-clock']
          ? 'wall-clock'
          : event === undefined
            ? 'on-cpu'
            : 'event',
      hz: Number(hz),
      ...(event === undefined ? {} : { event }),
      ...(callGraph === undefined ? {} : { callGraph }),
      ...(program === undefined ? {} : { program }),
    };
    const title = profileTitle(name, spec);
    const live = await measureProfile({
      ...{ title, target, spec, onStart: tell },
      ...(durationMs === undefined ? {} : { durationMs }),
    });
    const profile = live.profile();
    if (live.total === 0)
      throw new ProbeError({
        code: 'engine-ended',
        message: `Nothing was measured: ${whyNothing(spec)}.`,
        remedy: 'Profile for longer, or while it works; --off-cpu shows what a process waits for.',
      });
    // how stacks are walked was told at the start
    const why = live.started?.why ?? '';
    for (const note of profile.notes) if (note !== why) tell(note.replace(` ${why}`, ''));
    writeRecording(values.out, profile, {
      ...profileMeta(live, { target: hostname(), kernel: release() }),
      ...(await gitMeta(process.cwd())),
    });
    process.stdout.write(
      summary(profile, { ...spec, lost: live.lost, elapsedNs: live.elapsedNs, out: values.out }),
    );
    return exitCodes.ok;
  },
};

function callGraphOf(asked: string | undefined): ProfileSpec['callGraph'] {
  if (asked === undefined || asked === 'fp' || asked === 'dwarf') return asked;
  throw new UsageError('--call-graph must be fp or dwarf');
}

function programOf(command: string): string {
  const found = which(command);
  if (found !== undefined) return found;
  throw new ProbeError({
    code: 'file-unreadable',
    message: `${command} is not found in PATH.`,
    remedy: 'Write the path of the program.',
  });
}

function which(program: string): string | undefined {
  if (program.includes('/')) return existsSync(program) ? program : undefined;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() || readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return 'gone';
  }
}

function whyNothing({ kind, hz, event = '' }: Pick<ProfileSpec, 'kind' | 'hz' | 'event'>): string {
  switch (kind) {
    case 'on-cpu':
      return `it ran too little on a CPU to be met by ${hz} samples a second`;
    case 'off-cpu':
      return 'no thread was blocked';
    case 'wall-clock':
      return 'no thread ran or waited';
    case 'event':
      return `no ${event} occurred`;
  }
}

/** Told before anything is measured, not when the measuring is lost. */
function checkFolder(out: string): void {
  try {
    accessSync(dirname(out), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new ProbeError(
      {
        code: 'file-unwritable',
        message: `${out} cannot be written: ${(error as Error).message}.`,
        remedy: 'Choose another name or folder.',
      },
      { cause: error },
    );
  }
}

const measured: Readonly<Record<ProfileSpec['kind'], string>> = {
  'on-cpu': '',
  'off-cpu': ' blocked',
  'wall-clock': ' of threads',
  event: '',
};

/** The hottest functions, as a first answer in the terminal. */
function summary(
  profile: Profile,
  {
    kind,
    lost,
    elapsedNs,
    out,
  }: Pick<ProfileSpec, 'kind'> & { lost: number; elapsedNs: number; out: string },
): string {
  const whole = profile.nodes.self.reduce((sum, weight) => sum + weight, 0);
  // where a thread waits is always the same place of the kernel: what counts is who made it wait
  const waits = kind === 'off-cpu' || kind === 'wall-clock';
  const percent = (weight: number): string => `${((100 * weight) / whole).toFixed(1)} %`;
  const weight = kind === 'event' ? `${formatNumber(whole)} occurrences` : formatWeight(whole, profile.unit);
  const states = statesOf(profile).map(({ state, self }) => `${percent(self)} ${state}`);
  return [
    `${weight}${measured[kind]}${lost > 0 ? ` (${lost} lost)` : ''} in ${formatDuration(elapsedNs)}, recorded in ${out}`,
    ...(states.length === 0 ? [] : [`  ${states.join(', ')}`]),
    `    self    total  function${waits ? '; what the kernel does for it is its own' : ''}`,
    ...hottestFunctions(profile, { hideKernel: waits, most: 10 }).map(
      ({ name, self, total }) => `${percent(self).padStart(8)} ${percent(total).padStart(8)}  ${name}`,
    ),
    '',
  ].join('\n');
}
