import type { ProfileSpec } from '../../protocol/live-profile.ts';
import type { LiveProfile } from './live-profile.ts';

/** What `meta` says of a recording that holds a profile. */
export const PROFILE_RUN = 'profile';

/** What a profile is called: what was measured, and how unless it is the usual way, so that recordings of one program are told apart. */
export function profileTitle(
  name: string,
  { kind, event = '' }: Pick<ProfileSpec, 'kind' | 'event'>,
): string {
  switch (kind) {
    case 'on-cpu':
      return name;
    case 'off-cpu':
      return `${name} off CPU`;
    case 'wall-clock':
      return `${name} by the clock`;
    case 'event':
      return `${event} of ${name}`;
  }
}

/** The meta rows of a profile's recording: how it was measured, and where. */
export function profileMeta(
  {
    spec,
    started,
    lost,
    title,
    problem,
    elapsedNs,
  }: Pick<LiveProfile, 'spec' | 'started' | 'lost' | 'title' | 'problem' | 'elapsedNs'>,
  where: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    kind: PROFILE_RUN,
    title,
    measured: spec.kind,
    duration_ns: String(Math.round(elapsedNs)),
    ...(spec.kind === 'on-cpu' ? { hz: String(spec.hz) } : {}),
    ...(spec.event === undefined ? {} : { event: spec.event }),
    engine: started?.engine ?? '',
    stacks: started?.why ?? '',
    command_lines: started?.command ?? '',
    lost_samples: String(lost),
    ...(problem === undefined ? {} : { problem: problem.message }),
    ...where,
  };
}
