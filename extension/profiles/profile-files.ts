/** Where profiles are recorded: the extension's own storage, of which the newest are kept. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExtensionContext } from 'vscode';
import type { Profile } from '../../protocol/profile.ts';
import type { LiveProfile } from '../core/live-profile.ts';
import { profileMeta } from '../core/profile-meta.ts';

const KEPT = 20;

/** The path that a new profile will be recorded at; the folder exists then, and the oldest recordings have gone. */
export function profilePath(context: ExtensionContext, title: string): string {
  const folder = join(context.globalStorageUri.fsPath, 'profiles');
  mkdirSync(folder, { recursive: true });
  // names begin with the time: the oldest come first
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.probescope'))
    .sort();
  for (const name of files.slice(0, Math.max(0, files.length - KEPT + 1)))
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder, name + end), { force: true });
  const stamp = new Date().toISOString().replaceAll(':', '-');
  return join(folder, `${stamp} ${title.replace(/[^\w.-]+/g, '_')}.probescope`);
}

/** Writes a profile that has ended. Throws where the editor's Node has no SQLite, or the disk is full. */
export async function recordProfile(path: string, live: LiveProfile, target: string): Promise<void> {
  const { RecordingWriter } = await import('../core/recording/writer.ts');
  const writer = new RecordingWriter(path, profileMeta(live, { target }));
  writer.addEncodedProfile(live.profile());
  writer.finish();
  if (writer.stopped !== undefined) throw new Error(writer.stopped);
}

export interface RecordedProfile {
  readonly profile: Profile;
  readonly meta: ReadonlyMap<string, string>;
  readonly notices: readonly string[];
}

/** Throws ProbeError when the file is no recording, or holds no profile. */
export async function readProfile(path: string): Promise<RecordedProfile> {
  const { Recording } = await import('../core/recording/reader.ts');
  const recording = new Recording(path);
  try {
    return { profile: recording.profile(), meta: recording.meta(), notices: recording.notices() };
  } finally {
    recording.close();
  }
}
