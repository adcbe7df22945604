import {
  nothingLost,
  type LogLine,
  type ScriptEnd,
  type ScriptLost,
  type ScriptMap,
} from '../../../protocol/script.ts';
import type { Recording } from '../recording/reader.ts';
import { SCRIPT_RUN, type RecordedScript } from './recorder.ts';
import { LOG_KEPT, ScriptRun } from './script-run.ts';

/** True when a recording holds a script's run. */
export function isScriptRun(meta: ReadonlyMap<string, string>): boolean {
  return meta.get('kind') === SCRIPT_RUN;
}

/** A run as it was at its end (or when its recording was cut off), and the script it was. */
export function readScriptRun(recording: Recording): { run: ScriptRun; script: RecordedScript } {
  const meta = recording.meta();
  const { database } = recording;
  const name = meta.get('script_name') ?? 'script.bt';
  const text = database.prepare('SELECT text FROM scripts WHERE name = ?').get(name) as
    { text: string } | undefined;
  const events = database
    .prepare('SELECT time_ns, fields FROM (SELECT * FROM events ORDER BY id DESC LIMIT ?) ORDER BY id')
    .all(LOG_KEPT) as { time_ns: number; fields: string }[];
  const lines = events.map(({ time_ns, fields }): LogLine => ({
    ...(JSON.parse(fields) as Omit<LogLine, 'timeMs'>),
    timeMs: time_ns / 1e6,
  }));
  const maps = database
    .prepare('SELECT data, max(id) FROM script_maps GROUP BY name ORDER BY name')
    .all() as { data: string }[];
  const lost = database.prepare('SELECT source, sum(count) AS count FROM lost GROUP BY source').all() as {
    source: string;
    count: number;
  }[];
  const end = meta.has('script_end') ? (JSON.parse(meta.get('script_end') ?? '') as ScriptEnd) : undefined;
  const run = new ScriptRun();
  run.engine = meta.get('engine') ?? '';
  run.add({
    run: run.id,
    timeMs: end?.timeMs ?? lines.at(-1)?.timeMs ?? 0,
    lines,
    maps: maps.map(({ data }) => JSON.parse(data) as ScriptMap),
    lost: {
      ...nothingLost,
      ...(Object.fromEntries(lost.map(({ source, count }) => [source, count])) as Partial<ScriptLost>),
    },
    ...(meta.has('attached') ? { attached: Number(meta.get('attached')) } : {}),
  });
  run.finish(
    end ?? {
      run: run.id,
      timeMs: run.timeMs,
      exitCode: null,
      stopped: false,
      remarks: [],
      problem: {
        code: 'engine-ended',
        message: recording.notices().join(' '),
        remedy: 'What was recorded up to then is shown.',
      },
    },
  );
  return {
    run,
    script: {
      name,
      uri: meta.get('script_uri') ?? '',
      script: text?.text ?? '',
      args: JSON.parse(meta.get('script_args') ?? '[]') as string[],
      unsafe: meta.get('unsafe') === 'true',
    },
  };
}
