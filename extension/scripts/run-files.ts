/** Where runs are recorded: the extension's own storage, of which the newest are kept. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExtensionContext } from 'vscode';
import { asProblem } from '../../protocol/errors.ts';
import { ScriptRecorder, scriptMeta, type RecordedScript } from '../core/scripts/recorder.ts';

const KEPT = 20;
/** A run that prints without end fills no disk. */
const MOST_BYTES = 500_000_000;

export interface RunRecording {
  readonly path: string;
  readonly recorder: ScriptRecorder;
  readonly setEngine: (engine: string) => void;
}

/** Starts a recording; where the editor's Node has no SQLite, says why there is none. */
export async function recordRun(
  context: ExtensionContext,
  script: RecordedScript,
  onStop: (reason: string) => void,
): Promise<RunRecording | { readonly refusal: string }> {
  try {
    const { RecordingWriter } = await import('../core/recording/writer.ts');
    const folder = join(context.globalStorageUri.fsPath, 'runs');
    mkdirSync(folder, { recursive: true });
    const stamp = new Date().toISOString().replaceAll(':', '-');
    const path = join(folder, `${stamp} ${script.name.replace(/[^\w.-]/g, '_')}.probescope`);
    forgetOld(folder);
    const writer = new RecordingWriter(path, scriptMeta(script), { maxBytes: MOST_BYTES, onStop });
    return {
      path,
      recorder: new ScriptRecorder(writer, script),
      setEngine: (engine) => {
        writer.setMeta({ engine });
      },
    };
  } catch (error) {
    return { refusal: `This run is not recorded: ${asProblem(error).message}` };
  }
}

/** Names begin with the time: the oldest come first. */
function forgetOld(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.probescope'))
    .sort();
  for (const name of files.slice(0, Math.max(0, files.length - KEPT + 1)))
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder, name + end), { force: true });
}
