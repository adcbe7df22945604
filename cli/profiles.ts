import type { Profile } from '../protocol/profile.ts';
import { importFile } from '../extension/core/interchange/import-file.ts';
import { head } from '../extension/core/interchange/bytes.ts';
import { Recording } from '../extension/core/recording/reader.ts';
import { RecordingWriter, type RecordingMeta } from '../extension/core/recording/writer.ts';

/** The profile of a recording, or of a file that can be imported; what the user must know goes to stderr. */
export async function readProfile(path: string, id?: number): Promise<Profile> {
  if (head(path, 15).toString('latin1') === 'SQLite format 3') {
    const recording = new Recording(path);
    try {
      for (const notice of recording.notices()) tell(notice);
      const profiles = recording.profiles();
      if (id === undefined && profiles.length > 1)
        tell(
          `${path} holds ${profiles.length} profiles; this is “${profiles[0]!.title}”. --profile N takes another.`,
        );
      return recording.profile(id);
    } finally {
      recording.close();
    }
  }
  const { profile, notes } = await importFile(path);
  for (const note of notes) tell(note);
  return profile;
}

/** Puts a profile into a new recording. */
export function writeRecording(path: string, profile: Profile, meta: RecordingMeta): void {
  const writer = new RecordingWriter(path, { title: profile.title, ...meta });
  writer.addEncodedProfile(profile);
  writer.finish();
  if (writer.stopped !== undefined) throw new Error(writer.stopped);
}

export function tell(sentence: string): void {
  process.stderr.write(`probescope: ${sentence}\n`);
}
