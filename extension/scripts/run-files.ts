/** Where runs are recorded: the extension's own storage. */
import { asProblem } from '../../protocol/errors.ts';
import { ScriptRecorder, scriptMeta, type RecordedScript } from '../core/scripts/recorder.ts';
import type { NewRecordings } from '../recordings/new-recordings.ts';

export interface RunRecording {
  readonly path: string;
  readonly recorder: ScriptRecorder;
  readonly setEngine: (engine: string) => void;
}

/** Starts a recording; where the editor's Node has no SQLite, says why there is none. */
export async function recordRun(
  recordings: NewRecordings,
  script: RecordedScript,
  target: string,
  onStop: (reason: string) => void,
): Promise<RunRecording | { readonly refusal: string }> {
  try {
    const writer = await recordings.open('run', script.name, scriptMeta(script, { target }), onStop);
    return {
      path: writer.path,
      recorder: new ScriptRecorder(writer, script),
      setEngine: (engine) => {
        writer.setMeta({ engine });
      },
    };
  } catch (error) {
    return { refusal: `This run is not recorded: ${asProblem(error).message}` };
  }
}
