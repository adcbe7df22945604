/** *Count USDT Probe*: the static probes in the function under the cursor, or on that very line. */
import { l10n, window, type CancellationToken } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { UsdtSubject } from '../../protocol/probe.ts';
import { subjectName } from '../core/probe.ts';
import { asking, withProgress } from '../platform/progress.ts';
import { addProbe, binaryOf, placeText, pointedAt, type Pointed, type TraceServices } from './add-probe.ts';
import { Stopwatch } from './stopwatch.ts';
import { nearestFirst, usdtOf } from './subjects.ts';

export async function countUsdt(services: TraceServices): Promise<void> {
  const editor = window.activeTextEditor;
  if (editor === undefined) return;
  const at = pointedAt(editor);
  try {
    await withProgress(l10n.t('Looking for USDT probes'), async (token, report) => {
      const clock = new Stopwatch();
      const chosen = await binaryOf(services, at, false, clock, token, report);
      const { binary, candidate } = chosen;
      const subjects = await services.tracing.lookUp(
        { binary, file: candidate.fileInBinary, line: at.line },
        token,
      );
      const probe = await chooseUsdt(nearestFirst(usdtOf(subjects), at.line), at, binary, token);
      clock.lap('lookup');
      await addProbe(services, { chosen, subject: probe, measure: 'count', at, clock }, token);
    });
  } catch (error) {
    await services.show(error);
  }
}

async function chooseUsdt(
  probes: readonly UsdtSubject[],
  { line }: Pointed,
  binary: string,
  token: CancellationToken,
): Promise<UsdtSubject> {
  const [nearest, second] = probes;
  if (nearest === undefined)
    throw new ProbeError({
      code: 'function-not-found',
      message: l10n.t('{0} has no USDT probe in the function at line {1}.', binary, line),
      remedy: l10n.t('Right-click inside a function with DTRACE_PROBE or STAP_PROBE, or on that very line.'),
    });
  // pointed at the very line of one probe: that one is meant
  if (nearest.declared?.line === line && second?.declared?.line !== line) return nearest;
  const chosen = await asking(
    window.showQuickPick(
      probes.map((probe) => ({
        label: `$(broadcast) ${subjectName(probe)}`,
        description: placeText(probe.declared),
        detail: probe.sites.length === 1 ? l10n.t('1 site') : l10n.t('{0} sites', probe.sites.length),
        probe,
      })),
      { title: l10n.t('Count which USDT probe?'), placeHolder: l10n.t('Static probes in this function') },
      token,
    ),
  );
  if (chosen === undefined) throw new ProbeError({ code: 'cancelled', message: 'No probe was chosen.' });
  return chosen.probe;
}
