/** Profiles to and from recordings. */
import type { Profile } from '../../protocol/profile.ts';
import type { LiveProfile } from '../core/live-profile.ts';
import { gitMeta } from '../core/recording/circumstances.ts';
import { profileMeta } from '../core/profile-meta.ts';

/** Writes a profile that has ended. Throws where the editor's Node has no SQLite, or the disk is full. */
export async function recordProfile(
  path: string,
  live: LiveProfile,
  target: string,
  sources: string | undefined,
): Promise<void> {
  const { RecordingWriter } = await import('../core/recording/writer.ts');
  const writer = new RecordingWriter(path, {
    ...profileMeta(live, { target }),
    ...(sources === undefined ? {} : await gitMeta(sources)),
  });
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
