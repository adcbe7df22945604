import type { RecordingPicture } from '../../../protocol/recording-panel.ts';
import { SCRIPT_RUN } from '../scripts/recorder.ts';
import { factsOf, holdsOf } from './contents.ts';
import type { Recording } from './reader.ts';
import { originOf } from './replay.ts';
import { ReplayedProbes, type Replayed } from './replayed.ts';
import { RecordingTimeline } from './timeline.ts';

/** What a page shows of a recording first, and what its scrubber asks. */
export interface FirstView {
  readonly meta: ReadonlyMap<string, string>;
  readonly probes: ReplayedProbes;
  readonly picture: RecordingPicture;
}

/** Reads what the first view needs, which is little of a large file. Throws ProbeError `malformed-file`. */
export function firstView(recording: Recording): FirstView {
  const meta = recording.meta();
  const probes = new ReplayedProbes(new RecordingTimeline(recording));
  return {
    ...{ meta, probes },
    picture: {
      ...factsOf(recording, probes.stepsNs.at(-1) ?? 0),
      ...{ origin: originOf(meta), notices: recording.notices(), holds: holdsOf(recording) },
      opens: opensOf(recording, meta),
      growing: meta.get('state') !== 'ended',
      ...timeLineOf(probes),
    },
  };
}

export function timeLineOf(
  replayed: Replayed,
): Pick<RecordingPicture, 'unit' | 'stepsNs' | 'edgesNs' | 'gaps' | 'lanes'> {
  const { unit, stepsNs, edgesNs, gaps } = replayed;
  return { unit, stepsNs, edgesNs, gaps, lanes: replayed.lanes() };
}

/** Flame graphs of callers are opened from the rows of their probes. */
function opensOf(recording: Recording, meta: ReadonlyMap<string, string>): RecordingPicture['opens'] {
  if (meta.get('kind') === SCRIPT_RUN) return ['run'];
  const { n } = recording.database
    .prepare('SELECT count(*) AS n FROM profiles WHERE probe IS NULL')
    .get() as { n: number };
  return n > 0 ? ['flameGraph'] : [];
}
