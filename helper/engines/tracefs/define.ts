import { ProbeError } from '../../../protocol/errors.ts';
import { formatDefinition, isSpellable, type FetchArgument, type UprobeDefinition } from './definition.ts';
import type { TracefsSupervisor } from './supervisor.ts';

export interface TraceSite {
  readonly fileOffsetBytes: number;
  readonly referenceCounterOffsetBytes?: number;
}

/** One event: all its sites record the same arguments. */
export interface EventPlan {
  readonly path: string;
  readonly sites: readonly TraceSite[];
  readonly onReturn?: boolean;
  readonly arguments: readonly FetchArgument[];
}

/** Follows a string, so that its end is certain: the lowest byte of the instruction pointer, for want of a constant. */
const CLOSING: Omit<FetchArgument, 'name'> = {
  fetch: { op: 'register', name: process.arch === 'arm64' ? 'pc' : 'ip' },
  stored: { as: 'integer', bytes: 1 },
};

/**
 * Defines an event of the supervisor's group with all its sites; `names` are those of the arguments. Throws `probe-refused` with the
 * kernel's words.
 */
export async function defineEvent(
  supervisor: TracefsSupervisor,
  event: string,
  plan: EventPlan,
  names: readonly string[] = [],
): Promise<void> {
  const args = names.map((name, index) => ({ ...(plan.arguments[index] ?? CLOSING), name }));
  const lines = plan.sites.map((site) => {
    const definition: UprobeDefinition = {
      group: supervisor.group,
      event,
      path: plan.path,
      arguments: args,
      ...site,
      ...(plan.onReturn === true ? { onReturn: true } : {}),
    };
    return formatDefinition(definition);
  });
  const spellable = isSpellable(plan.path);
  if (!spellable) await supervisor.openFile(plan.path);
  try {
    // Answered in order; a function of hundreds of copies does not wait for each of them.
    const answers = await Promise.allSettled(lines.map((line) => supervisor.define(line)));
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  } catch (error) {
    throw refusedBecause(plan, error);
  } finally {
    if (!spellable) await supervisor.closeFile();
  }
}

function refusedBecause(plan: EventPlan, error: unknown): unknown {
  if (!(error instanceof ProbeError) || error.code !== 'engine-refused') return error;
  const places = plan.sites.map((site) => `0x${site.fileOffsetBytes.toString(16)}`).slice(0, 3);
  return new ProbeError(
    {
      code: 'probe-refused',
      message: `The kernel refused a probe at file offset ${places.join(', ')} of ${plan.path}: ${error.message}.`,
      remedy: 'Check that the file still exists and is the one that runs; the details are in the log.',
    },
    { cause: error },
  );
}
