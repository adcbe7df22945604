import { closeSync, openSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { defaultFlameOptions } from '../../../protocol/flame.ts';
import type { Profile } from '../../../protocol/profile.ts';
import { exportCsv } from '../../../profile/export/csv.ts';
import { exportFolded } from '../../../profile/export/folded.ts';
import { exportChromeTrace, exportSpeedscope } from '../../../profile/export/json.ts';
import { exportPprof } from '../../../profile/export/pprof.ts';
import { exportSvg } from '../../../profile/export/svg.ts';
import { Painter } from '../../../profile/picture.ts';
import { unwritable } from '../recording/sqlite.ts';

export const exportFormats = ['svg', 'folded', 'speedscope', 'pprof', 'chrome', 'csv'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** A profile in another tool's format, in chunks. pprof is gzipped, as its readers expect. */
export function* exportProfile(profile: Profile, format: ExportFormat): Generator<string | Uint8Array> {
  switch (format) {
    case 'folded':
      yield* exportFolded(profile);
      return;
    case 'speedscope':
      yield* exportSpeedscope(profile);
      return;
    case 'chrome':
      yield* exportChromeTrace(profile);
      return;
    case 'csv':
      yield exportCsv(profile);
      return;
    case 'pprof':
      yield gzipSync(exportPprof(profile));
      return;
    case 'svg':
      yield exportSvg(new Painter(profile).paint(defaultFlameOptions), profile, defaultFlameOptions);
      return;
  }
}

/** Writes chunks to a file, or to standard output when there is no path. */
export function writeChunks(chunks: Iterable<string | Uint8Array>, path: string | undefined): void {
  let file = 1;
  try {
    if (path !== undefined) file = openSync(path, 'w');
    for (const chunk of chunks) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      for (let at = 0; at < bytes.length;) at += writeSome(file, bytes, at);
    }
  } catch (error) {
    // `| head` has read enough
    if (path === undefined && (error as NodeJS.ErrnoException).code === 'EPIPE') return;
    throw unwritable(path ?? 'standard output', error);
  } finally {
    if (path !== undefined && file !== 1) closeSync(file);
  }
}

/** A pipe whose reader is slow says EAGAIN; then it is tried again a little later. */
function writeSome(file: number, bytes: Uint8Array, at: number): number {
  try {
    return writeSync(file, bytes, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    return 0;
  }
}
