import { defaultFlameOptions } from '../../protocol/flame.ts';
import type { Profile } from '../../protocol/profile.ts';
import { parentsOf } from '../order.ts';
import { Painter } from '../picture.ts';
import { textAt } from '../strings.ts';

const CHUNK = 1 << 20;

/** Joins pieces into chunks: neither a write a line nor one string of everything. */
function* chunked(pieces: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length > CHUNK) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk !== '') yield chunk;
}

/** speedscope's file format: a sampled profile a thread, or one of everything where samples are not kept. */
export function exportSpeedscope(profile: Profile): Generator<string> {
  return chunked(speedscopePieces(profile));
}

function* speedscopePieces(profile: Profile): Generator<string> {
  const { frames, nodes, samples, strings, threads } = profile;
  yield `{"$schema":"https://www.speedscope.app/file-format-schema.json","exporter":"probescope","name":${JSON.stringify(profile.title)},"activeProfileIndex":0,"shared":{"frames":[`;
  for (let f = 1; f < frames.name.length; f++) {
    const file = textAt(strings, frames.file[f]!);
    const place =
      file === ''
        ? ''
        : `,"file":${JSON.stringify(file)}${frames.line[f] === 0 ? '' : `,"line":${frames.line[f]!}`}`;
    yield `${f > 1 ? ',' : ''}{"name":${JSON.stringify(textAt(strings, frames.name[f]!))}${place}}`;
  }
  yield ']},"profiles":[';
  const parent = parentsOf(nodes.depth);
  const stack = (node: number): string => {
    const path: number[] = [];
    for (let at = node; at > 0; at = parent[at]!) path.push(nodes.frame[at]! - 1);
    return `[${path.reverse().join(',')}]`;
  };
  const unit = profile.unit === 'nanoseconds' || profile.unit === 'bytes' ? profile.unit : 'none';
  const lanes = samples === undefined ? [undefined] : threads.map((_, thread) => thread);
  let first = true;
  for (const lane of lanes) {
    const chosen: [node: number, weight: number][] = [];
    if (samples === undefined || lane === undefined)
      nodes.self.forEach((weight, node) => node > 0 && weight > 0 && chosen.push([node, weight]));
    else
      samples.node.forEach(
        (node, i) => samples.thread[i] === lane && chosen.push([node, samples.weight[i]!]),
      );
    if (chosen.length === 0) continue;
    const total = chosen.reduce((sum, [, weight]) => sum + weight, 0);
    const name = lane === undefined ? profile.title : `${threads[lane]!.name} (${threads[lane]!.tid})`;
    yield `${first ? '' : ','}{"type":"sampled","name":${JSON.stringify(name)},"unit":"${unit}","startValue":0,"endValue":${total},"samples":[`;
    first = false;
    for (let i = 0; i < chosen.length; i++) yield `${i > 0 ? ',' : ''}${stack(chosen[i]![0])}`;
    yield '],"weights":[';
    for (let i = 0; i < chosen.length; i++) yield `${i > 0 ? ',' : ''}${chosen[i]![1]}`;
    yield ']}';
  }
  yield ']}\n';
}

/**
 * Chrome's trace events, which Perfetto reads as well: complete events (`X`), a track a thread. The time axis adds up weights,
 * in microseconds for nanoseconds and in units otherwise, because samples have no durations of their own.
 */
export function exportChromeTrace(profile: Profile): Generator<string> {
  return chunked(chromePieces(profile));
}

function* chromePieces(profile: Profile): Generator<string> {
  const timed = profile.samples !== undefined;
  const { layout, names } = new Painter(profile).paint({
    ...defaultFlameOptions,
    arrangement: timed ? 'time-ordered' : 'left-heavy',
    threadLanes: timed,
  });
  const scale = profile.unit === 'nanoseconds' ? 1e-3 : 1;
  const laneDepth = timed ? 1 : 0;
  yield `{"displayTimeUnit":"ns","otherData":${JSON.stringify({ title: profile.title, unit: profile.unit })},"traceEvents":[`;
  let thread = 0;
  let laneStart = 0;
  let first = true;
  for (let i = 1; i < layout.frame.length; i++) {
    const name = names[layout.frame[i]!]!;
    const comma = first ? '' : ',\n';
    first = false;
    if (layout.depth[i] === laneDepth) {
      thread++;
      laneStart = layout.x[i]!;
      yield `${comma}{"ph":"M","pid":1,"tid":${thread},"name":"thread_name","args":{"name":${JSON.stringify(name)}}}`;
      continue;
    }
    yield `${comma}{"ph":"X","pid":1,"tid":${thread},"ts":${(layout.x[i]! - laneStart) * scale},"dur":${layout.total[i]! * scale},"name":${JSON.stringify(name)}}`;
  }
  yield ']}\n';
}
