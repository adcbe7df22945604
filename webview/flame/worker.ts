// The model: runs in a worker, so that a million stacks never block the view.
import { asProblem } from '../../protocol/errors.ts';
import type { FlameOptions } from '../../protocol/flame.ts';
import { decodeProfile } from '../../profile/codec.ts';
import { compareProfiles } from '../../profile/compare.ts';
import type { Comparison } from '../../profile/compare.ts';
import { exportCsv } from '../../profile/export/csv.ts';
import { exportFolded } from '../../profile/export/folded.ts';
import { exportSvg } from '../../profile/export/svg.ts';
import { packageOf } from '../../profile/groups.ts';
import type { Groups } from '../../profile/groups.ts';
import { Painter } from '../../profile/picture.ts';
import type { Picture } from '../../profile/picture.ts';
import { textReader } from '../../profile/strings.ts';
import type { FromWorker, GroupFacts, ProfileFacts, ToWorker } from './channel.ts';

let painter: Painter | undefined;
let comparison: Comparison | undefined;
let facts: ProfileFacts | undefined;
/** The groups that the view has, and whether it has their packages. */
let sentGroups: Groups | undefined;
let sentPackages = false;

const post = (message: FromWorker, transfer: Transferable[] = []): void => {
  // the DOM's types are the window's here; a worker's postMessage takes no origin
  (self as unknown as { postMessage(message: FromWorker, transfer: Transferable[]): void }).postMessage(
    message,
    transfer,
  );
};

self.onmessage = ({ data }: MessageEvent<ToWorker>): void => {
  try {
    handle(data);
  } catch (thrown) {
    post({ type: 'problem', message: asProblem(thrown).message });
  }
};

function handle(message: ToWorker): void {
  switch (message.type) {
    case 'load':
      load(message.profile, message.baseline);
      paint(message.options, 0, true);
      return;
    case 'paint':
      paint(message.options, message.request, false);
      return;
    case 'save':
      save(message.format, message.options);
      return;
  }
}

function load(encoded: ArrayBuffer, baseline: ArrayBuffer | undefined): void {
  const profile = decodeProfile(encoded);
  comparison = baseline === undefined ? undefined : compareProfiles(decodeProfile(baseline), profile);
  painter = new Painter(comparison ?? profile);
  sentGroups = undefined;
  const { title, unit, notes, threads, durationNs, samples } = painter.profile;
  facts = {
    title,
    unit,
    notes,
    threads,
    ...(durationNs === undefined ? {} : { durationNs }),
    timed: samples !== undefined,
    ...(comparison === undefined
      ? {}
      : { comparison: { beforeTotal: comparison.beforeTotal, afterTotal: comparison.afterTotal } }),
  };
}

function paint(options: FlameOptions, request: number, loaded: boolean): void {
  if (painter === undefined) return;
  const began = performance.now();
  const picture = painter.paint(options);
  const { layout, callers, groups } = picture;
  const withPackages = options.colourBy === 'package';
  const known = groups === sentGroups && (sentPackages || !withPackages);
  const groupFacts = known ? undefined : describe(painter, picture, withPackages);
  if (!known) [sentGroups, sentPackages] = [groups, withPackages];
  const transfer = new Set<ArrayBuffer>();
  // what the profile itself still needs is copied, everything else moves
  const kept = new Set<unknown>(Object.values(painter.profile.nodes));
  if (comparison !== undefined) kept.add(comparison.beforeSelf);
  for (const each of [layout, callers])
    for (const column of Object.values(each ?? {}) as unknown[])
      if (ArrayBuffer.isView(column) && !kept.has(column)) transfer.add(column.buffer as ArrayBuffer);
  post(
    {
      type: 'picture',
      request,
      options,
      ...(loaded && facts !== undefined ? { facts } : {}),
      layout,
      ...(callers === undefined ? {} : { callers }),
      ...(groupFacts === undefined ? {} : { groups: groupFacts }),
      shownTotal: picture.shownTotal,
      profileTotal: picture.profileTotal,
      remarks: picture.remarks,
      milliseconds: performance.now() - began,
    },
    [...transfer],
  );
}

/** What is shown as a file; folded stacks and CSV are of the whole profile, because other tools filter themselves. */
function save(format: 'svg' | 'folded' | 'csv', options: FlameOptions): void {
  if (painter === undefined) return;
  const { profile } = painter;
  const content =
    format === 'svg'
      ? exportSvg(painter.paint(options), profile, options)
      : format === 'folded'
        ? [...exportFolded(profile)].join('')
        : exportCsv(profile);
  const base = profile.title.replace(/[^\w.-]+/g, '-').replace(/^-+|-+$/g, '') || 'profile';
  post({ type: 'saved', suggestedName: `${base}.${format}`, content });
}

function describe({ profile }: Painter, { groups, names }: Picture, withPackages: boolean): GroupFacts {
  const { frames, strings } = profile;
  const text = textReader(strings);
  const shown = Array.from(groups.frame);
  const modules = shown.map((frame) => text(frames.module[frame]!));
  const files = shown.map((frame) => text(frames.file[frame]!));
  return {
    names,
    kind: groups.kind,
    modules,
    files,
    lines: Uint32Array.from(groups.frame, (frame) => frames.line[frame]!),
    ...(withPackages
      ? {
          packages: shown.map((frame, i) =>
            packageOf(text(frames.name[frame]!), files[i]!, modules[i]!, frames.kind[frame]!),
          ),
        }
      : {}),
  };
}
