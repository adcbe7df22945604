import type { ScriptEnd, ScriptLost, ScriptMap, ScriptOutput } from '../../../protocol/script.ts';
import { isStackMap, profileOfMap } from '../../../profile/import/script-map.ts';
import type { RecordingMeta, RecordingWriter } from '../recording/writer.ts';

const MS_IN_NS = 1e6;
/** A map is recorded at most so often, and as it was printed last. */
const MAP_EVERY_MS = 1000;

/** What `meta` says of a recording that holds a script's run. */
export const SCRIPT_RUN = 'script run';

export interface RecordedScript {
  readonly name: string;
  readonly uri: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly unsafe: boolean;
}

export function scriptMeta(run: RecordedScript, more: RecordingMeta = {}): RecordingMeta {
  return {
    kind: SCRIPT_RUN,
    title: run.name,
    script_name: run.name,
    script_uri: run.uri,
    script_args: JSON.stringify(run.args),
    unsafe: run.unsafe,
    ...more,
  };
}

/** Writes a script's run into a recording: its text, its log as events, its maps, what was lost, and stacks as profiles. */
export class ScriptRecorder {
  readonly #writer: RecordingWriter;
  readonly #waiting = new Map<string, ScriptMap>();
  readonly #last = new Map<string, ScriptMap>();
  readonly #writtenMs = new Map<string, number>();
  #lost: ScriptLost | undefined;
  #attached: number | undefined;

  constructor(writer: RecordingWriter, run: RecordedScript) {
    this.#writer = writer;
    writer.addScript(run.name, run.script);
  }

  add({ timeMs, lines, maps, lost, attached }: ScriptOutput): void {
    for (const { timeMs: lineMs, ...fields } of lines)
      this.#writer.addEvent(undefined, lineMs * MS_IN_NS, undefined, fields);
    for (const map of maps) this.#waiting.set(map.name, map);
    this.#writeMaps(timeMs, false);
    this.#addLost(timeMs, lost);
    if (attached !== undefined && attached !== this.#attached)
      this.#writer.setMeta({ attached: (this.#attached = attached) });
  }

  finish(end: ScriptEnd): void {
    this.#writeMaps(end.timeMs, true);
    for (const map of this.#last.values()) {
      const profile = isStackMap(map) ? profileOfMap(map) : undefined;
      if (profile !== undefined) this.#writer.addEncodedProfile(profile);
    }
    this.#writer.finish({ script_end: JSON.stringify(end) });
  }

  #writeMaps(timeMs: number, all: boolean): void {
    for (const [name, map] of this.#waiting) {
      if (!all && timeMs - (this.#writtenMs.get(name) ?? -MAP_EVERY_MS) < MAP_EVERY_MS) continue;
      this.#writer.addScriptMap(timeMs * MS_IN_NS, map);
      this.#waiting.delete(name);
      this.#writtenMs.set(name, timeMs);
      this.#last.set(name, map);
    }
  }

  #addLost(timeMs: number, lost: ScriptLost): void {
    const before = this.#lost;
    this.#lost = lost;
    const tell = (source: keyof ScriptLost, detail: string): void => {
      const more = lost[source] - (before?.[source] ?? 0);
      if (more > 0) this.#writer.addLost(timeMs * MS_IN_NS, source, more, detail);
    };
    tell('events', "lost in bpftrace's buffers");
    tell('lines', 'printed faster than lines are kept');
    tell('entries', 'entries of a map beyond the most that are sent');
  }
}
