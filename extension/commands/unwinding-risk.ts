import { l10n, window } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { Measure, Subject } from '../../protocol/probe.ts';
import { subjectName } from '../core/probe.ts';
import { asking } from '../platform/progress.ts';

/**
 * Asks before the latency of a function is measured through which an exception may pass: the kernel's return probe puts
 * an address on the stack that no unwinder knows, and the program would end. Asked once for each binary and window.
 */
export class UnwindingRisk {
  readonly #accepted = new Set<string>();

  /** What may be measured: `measure`, or a count where the risk was declined. Throws ProbeError `cancelled`. */
  async weigh(binary: string, subject: Subject, measure: Measure): Promise<Measure> {
    const risky = subject.kind === 'function' && subject.unwinding === 'possible' && measure === 'latency';
    if (!risky || this.#accepted.has(binary)) return measure;
    const count = l10n.t('Count Calls Instead');
    const latency = l10n.t('Measure Latency');
    const name = subjectName(subject);
    const chosen = await asking(
      window.showWarningMessage(
        l10n.t('An exception that passes through {0} while its latency is measured ends the program.', name),
        {
          modal: true,
          detail: l10n.t(
            '{0} has code that unwinds the stack, and whether it runs through {1} cannot be told beforehand. Counting calls has no such risk.',
            binary,
            name,
          ),
        },
        count,
        latency,
      ),
    );
    if (chosen === undefined)
      throw new ProbeError({ code: 'cancelled', message: 'The risk was not accepted.' });
    if (chosen === count) return 'count';
    this.#accepted.add(binary);
    return measure;
  }
}
