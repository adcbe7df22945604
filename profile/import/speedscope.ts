import type { WeightUnit } from '../../protocol/profile.ts';
import { ProbeError } from '../../protocol/errors.ts';
import { ProfileBuilder } from '../builder.ts';
import type { Imported } from './notes.ts';
import { finishImport, ImportNotes } from './notes.ts';

/** What speedscope's file-format-spec allows; everything may be missing in a foreign file. */
interface SpeedscopeFile {
  shared?: { frames?: { name?: unknown; file?: unknown; line?: unknown }[] };
  profiles?: SpeedscopeProfile[];
  name?: unknown;
}
interface SpeedscopeProfile {
  type?: unknown;
  name?: unknown;
  unit?: unknown;
  samples?: unknown;
  weights?: unknown;
  events?: unknown;
  startValue?: unknown;
}

const units: Readonly<Record<string, readonly [WeightUnit, number]>> = {
  nanoseconds: ['nanoseconds', 1],
  microseconds: ['nanoseconds', 1e3],
  milliseconds: ['nanoseconds', 1e6],
  seconds: ['nanoseconds', 1e9],
  bytes: ['bytes', 1],
  none: ['samples', 1],
};

/** Reads speedscope's JSON: sampled and evented profiles, each as a thread. */
export function importSpeedscope(file: unknown, title: string): Imported {
  const { shared, profiles, name } = file as SpeedscopeFile;
  if (!Array.isArray(shared?.frames) || !Array.isArray(profiles))
    throw new ProbeError({
      code: 'malformed-file',
      message: `${title} is JSON, but no speedscope profile: shared.frames or profiles is missing.`,
      remedy: 'Check that it is the file you meant.',
    });
  const notes = new ImportNotes();
  const [unit] = units[String(profiles[0]?.unit)] ?? ['samples'];
  const builder = new ProfileBuilder(typeof name === 'string' && name !== '' ? name : title, unit);
  const frames = shared.frames.map((frame, i) => {
    if (typeof frame.name !== 'string') notes.add(`shared.frames[${i}]`, 'has no name');
    return builder.frame({
      name: typeof frame.name === 'string' ? frame.name : '[unknown]',
      file: typeof frame.file === 'string' ? frame.file : undefined,
      line: typeof frame.line === 'number' && frame.line > 0 ? Math.floor(frame.line) : undefined,
    });
  });
  profiles.forEach((profile, i) => {
    const [own, scale] = units[String(profile.unit)] ?? ['samples', 1];
    if (own !== unit) {
      notes.add(`profiles[${i}]`, `counts ${own}, the first one ${unit}: left out`);
      return;
    }
    const thread = builder.thread({
      pid: 0,
      tid: i,
      name: typeof profile.name === 'string' ? profile.name : `profile ${i}`,
    });
    if (profile.type === 'sampled') sampled(builder, profile, frames, thread, scale, notes, i);
    else if (profile.type === 'evented') evented(builder, profile, frames, thread, scale, notes, i);
    else notes.add(`profiles[${i}].type`, `“${String(profile.type)}” is not known`);
  });
  return finishImport(builder.build(), notes, 'a speedscope profile');
}

function sampled(
  builder: ProfileBuilder,
  { samples, weights }: SpeedscopeProfile,
  frames: readonly number[],
  thread: number,
  scale: number,
  notes: ImportNotes,
  index: number,
): void {
  if (!Array.isArray(samples)) {
    notes.add(`profiles[${index}].samples`, 'is missing');
    return;
  }
  let at = 0;
  samples.forEach((stack: unknown, i) => {
    const weight = Array.isArray(weights) ? Number(weights[i]) * scale : 1;
    const place = `profiles[${index}].samples[${i}]`;
    if (!Array.isArray(stack)) notes.add(place, 'is no list of frames');
    else if (!(weight >= 0)) notes.add(place, weight < 0 ? 'has a negative weight' : 'has no weight');
    else {
      const known = stack.map((frame) => frames[Number(frame)]);
      if (known.includes(undefined)) notes.add(place, 'names a frame that is not there');
      else {
        builder.sample(builder.stack(known as number[]), weight, at, thread);
        at += weight;
      }
    }
  });
}

function evented(
  builder: ProfileBuilder,
  { events, startValue }: SpeedscopeProfile,
  frames: readonly number[],
  thread: number,
  scale: number,
  notes: ImportNotes,
  index: number,
): void {
  if (!Array.isArray(events)) {
    notes.add(`profiles[${index}].events`, 'is missing');
    return;
  }
  const stack: number[] = [];
  const start = Number(startValue ?? 0);
  let last = start;
  events.forEach((event: { type?: unknown; at?: unknown; frame?: unknown }, i) => {
    const place = `profiles[${index}].events[${i}]`;
    const at = Number(event.at);
    const frame = frames[Number(event.frame)];
    if (!(at >= last) || frame === undefined) {
      notes.add(place, frame === undefined ? 'names a frame that is not there' : 'goes back in time');
      return;
    }
    if (at > last && stack.length > 0)
      builder.sample(builder.stack(stack), (at - last) * scale, (last - start) * scale, thread);
    last = at;
    if (event.type === 'O') stack.push(frame);
    else if (stack.at(-1) === frame) stack.pop();
    else notes.add(place, 'closes a frame that is not open');
  });
}
