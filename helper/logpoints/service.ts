import { ProbeError } from '../../protocol/errors.ts';
import type {
  LogpointCheck,
  LogpointCounts,
  LogpointPlace,
  LogValue,
  ScopeFacts,
} from '../../protocol/logpoint.ts';
import { rootPrefix } from '../privilege/root-prefix.ts';
import type { HelperHandlers, Notify } from '../rpc.ts';
import type { OpenBinaries } from '../symbols/open-binaries.ts';
import { completionsAt, variablesOf } from './complete.ts';
import { planLogpoint, versionOf } from './plan.ts';
import { Logpoints } from './run.ts';
import { scopeAt, type PlacedScope } from './scope.ts';

type Handled = 'scopeAt' | 'completeExpression' | 'checkLogpoint' | 'addLogpoint' | 'removeLogpoint';

/** Values are sent together: an editor redraws ten times a second at most, and a message costs more than a value. */
const SEND_MS = 100;
const MOST_IN_MESSAGE = 1000;

/** The helper's calls about logpoints. */
export class LogpointService {
  readonly #notify: Notify;
  readonly #binaries: OpenBinaries;
  readonly #logpoints: Logpoints;
  readonly #unsent = new Map<string, LogValue[]>();
  /** Values that a slow link had no room for, by logpoint. */
  readonly #dropped = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #sentMs = -Infinity;

  constructor(notify: Notify, binaries: OpenBinaries) {
    this.#notify = notify;
    this.#binaries = binaries;
    this.#logpoints = new Logpoints({ open: (path) => binaries.open(path), elevate: rootPrefix });
  }

  readonly handlers: Pick<HelperHandlers, Handled> = {
    scopeAt: async (place) => {
      // While the text is being typed the root-side process starts, so that attaching is only what the kernel needs.
      this.#logpoints.warm(place.pid).catch(() => undefined);
      const { scope, facts } = await this.#scope(place);
      return { ...facts, variables: variablesOf(scope) };
    },
    completeExpression: async (place) => {
      const { scope } = await this.#scope(place);
      return { items: completionsAt(scope, place.text, place.offset, place.field) };
    },
    checkLogpoint: async (request): Promise<LogpointCheck> => {
      const { problems, sites, refused, place, moved, stale, mixed } = planLogpoint(
        await this.#binaries.open(request.binary),
        request,
      );
      return { problems, sites, refused, place, moved, stale, mixed };
    },
    addLogpoint: (spec) =>
      this.#logpoints.add(spec, {
        value: (value) => this.#queue(spec.id, value),
        ended: ({ end, counts, problem }) => {
          this.#send();
          this.#notify('logpointEnded', {
            id: spec.id,
            end,
            counts: this.#withDropped(spec.id, counts),
            ...(problem === undefined ? {} : { problem }),
          });
        },
      }),
    removeLogpoint: async ({ id }) => this.#withDropped(id, (await this.#logpoints.remove(id)).counts),
  };

  async dispose(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#logpoints.close();
  }

  async #scope(place: LogpointPlace): Promise<{ scope: PlacedScope; facts: Omit<ScopeFacts, 'variables'> }> {
    const debug = await this.#binaries.open(place.binary);
    const lines = debug.lineSites(place.file, place.line, place.column);
    const site = lines.sites[0];
    if (site === undefined)
      throw new ProbeError({
        code: 'line-without-code',
        message: `Line ${place.line} of ${place.file} has no code in ${place.binary}.`,
      });
    return {
      scope: scopeAt(debug, site.address, site.inlinedFunction ?? site.function),
      facts: {
        place: { file: lines.file, line: lines.line },
        moved: lines.moved,
        ...versionOf(debug, lines),
      },
    };
  }

  /** What was read and then dropped here was not delivered: it is lost. */
  #withDropped(id: string, counts: LogpointCounts): LogpointCounts {
    const dropped = this.#dropped.get(id) ?? 0;
    return { ...counts, delivered: counts.delivered - dropped, lost: counts.lost + dropped };
  }

  #queue(id: string, value: LogValue): void {
    const values = this.#unsent.get(id);
    if (values === undefined) this.#unsent.set(id, [value]);
    else values.push(value);
    if ((values?.length ?? 1) >= MOST_IN_MESSAGE) this.#send();
    // the first value after a pause goes at once
    else
      this.#timer ??= setTimeout(() => this.#send(), Math.max(0, this.#sentMs + SEND_MS - performance.now()));
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sentMs = performance.now();
    for (const [id, values] of this.#unsent)
      if (!this.#notify('logValues', { id, values }))
        this.#dropped.set(id, (this.#dropped.get(id) ?? 0) + values.length);
    this.#unsent.clear();
  }
}
