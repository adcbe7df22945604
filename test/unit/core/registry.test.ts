// The registry against a helper that speaks the real protocol in this process, and whose answers the test gives.
import { PassThrough } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { HelperConnection } from '../../../extension/core/connection.ts';
import type { NewProbe } from '../../../extension/core/probe.ts';
import { ProbeRegistry } from '../../../extension/core/registry.ts';
import { serve, type HelperHandlers, type Notify } from '../../../helper/rpc.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import type { ProbeSpec, Subject } from '../../../protocol/probe.ts';
import type { ProbeTotals } from '../../../protocol/snapshot.ts';

const BINARY = '/opt/shop/shop';

function subject(name: string): Subject {
  return {
    kind: 'function',
    function: name,
    sites: [{ kind: 'entry', symbol: name, vaddr: 0x1000, fileOffset: 0x1000 }],
    refused: [],
  } as unknown as Subject;
}

const newProbe = (name: string, ...measures: NewProbe['measures']): NewProbe => ({
  binary: BINARY,
  subject: subject(name),
  measures: measures.length === 0 ? ['latency'] : measures,
});

/** A helper's end of the line: what it was asked, and what it says of itself. */
class ScriptedHelper {
  readonly calls: [method: string, probes: readonly string[]][] = [];
  readonly connection: Promise<HelperConnection>;
  notify: Notify = () => false;
  session = '';
  probes: readonly ProbeSpec[] = [];
  /** Functions that cannot be attached. */
  refused = new Set<string>();
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  #end: (value: { stderr: string }) => void = () => undefined;

  constructor() {
    const attach = (method: string, session: string, probes: readonly ProbeSpec[]) => {
      this.calls.push([method, probes.map(nameOf)]);
      const bad = probes.find((probe) => this.refused.has(nameOf(probe)));
      if (bad !== undefined)
        throw new ProbeError({ code: 'probe-refused', message: `${nameOf(bad)} cannot be attached.` });
      this.session = session;
      this.probes = probes;
      return { attachedSites: probes.length };
    };
    serve({ input: this.#input, output: this.#output }, 'test', (notify) => {
      this.notify = notify;
      return {
        openSession: ({ session, probes }) => attach('open', session, probes),
        updateSession: ({ session, probes }) => attach('update', session, probes),
        closeSession: () => {
          this.calls.push(['close', []]);
          return {};
        },
        lookUp: ({ function: name }) => ({ subjects: [subject(name ?? '')] }),
        hitCosts: () => ({}),
      } as Partial<HelperHandlers> as HelperHandlers;
    });
    this.connection = HelperConnection.open(
      {
        input: this.#input,
        output: this.#output,
        ended: new Promise((resolve) => (this.#end = resolve)),
        stop: () => this.#input.destroy(),
      },
      'test',
    );
  }

  snapshot(sequence: number, counts: Readonly<Record<string, number>>): void {
    const totals = this.probes.map((probe): ProbeTotals => ({
      probe: probe.id,
      count: counts[nameOf(probe)] ?? 0,
      lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 },
    }));
    this.notify('snapshot', {
      session: this.session,
      sequence,
      monotonicNs: sequence * 1e9,
      wallClockMs: sequence * 1e3,
      probes: totals,
      final: false,
    });
  }

  die(): void {
    this.#output.end();
    this.#end({ stderr: '' });
  }
}

const nameOf = ({ subject: of }: ProbeSpec): string => (of.kind === 'usdt' ? of.name : of.function);

let helpers: ScriptedHelper[] = [];
let registry: ProbeRegistry;
function start(): { registry: ProbeRegistry; helper: () => ScriptedHelper } {
  helpers = [];
  registry = new ProbeRegistry({
    connect: async () => {
      let helper = helpers.at(-1);
      if (helper === undefined || !(await helper.connection).isOpen)
        helpers.push((helper = new ScriptedHelper()));
      return helper.connection;
    },
    intervalMs: 250,
  });
  return { registry, helper: () => helpers.at(-1)! };
}
afterEach(async () => {
  registry.dispose();
  for (const helper of helpers) (await helper.connection).dispose();
});

const states = () => registry.probes.map(({ state }) => state.kind);

test('probes join one session, and each keeps its number when others come', async () => {
  const { helper } = start();
  await registry.add(newProbe('route'));
  await registry.add(newProbe('db_query'));
  expect(helper().calls).toEqual([
    ['open', ['route']],
    ['update', ['route', 'db_query']],
  ]);
  expect(helper().probes.map(({ id }) => id)).toEqual([1, 2]);
  expect(states()).toEqual(['running', 'running']);
});

test('the same function is one probe: its measures are joined', async () => {
  const { helper } = start();
  const first = await registry.add(newProbe('route', 'count'));
  const second = await registry.add(newProbe('route', 'callers'));
  expect(second).toBe(first);
  expect(helper().probes).toMatchObject([{ id: 1, measures: ['count', 'callers'] }]);
  await registry.add(newProbe('route', 'count'));
  expect(helper().calls).toHaveLength(2);
});

test('figures of a snapshot go to the probe whose number they bear', async () => {
  const { helper } = start();
  const route = await registry.add(newProbe('route'));
  const query = await registry.add(newProbe('db_query'));
  const changed: (readonly string[])[] = [];
  registry.onDidChange((keys) => changed.push(keys));
  helper().snapshot(1, { route: 3, db_query: 5 });
  await expect.poll(() => [route, query].map(({ aggregate }) => aggregate.totals.count)).toEqual([3, 5]);
  expect(changed).toEqual([[route.key, query.key]]);
});

test('a probe that is refused ends with its problem, and the others go on', async () => {
  const { helper } = start();
  await registry.add(newProbe('route'));
  helper().refused.add('broken');
  await expect(registry.add(newProbe('broken'))).rejects.toThrow('broken cannot be attached');
  expect(states()).toEqual(['running', 'ended']);
  expect(helper().probes.map(nameOf)).toEqual(['route']);
});

test('a probe that ends by itself goes from running to ended, with the reason, and leaves the session', async () => {
  const { helper } = start();
  const route = await registry.add(newProbe('route'));
  await registry.add(newProbe('db_query'));
  const seen: string[] = [];
  registry.onDidChange(() => seen.push(route.state.kind));
  const problem = { code: 'process-gone', message: 'Process 7 does not run any more.' } as const;
  helper().notify('probeEnded', { session: helper().session, probe: route.id, problem });
  await expect.poll(() => route.state).toEqual({ kind: 'ended', problem });
  // who watches for ends never sees it as merely paused
  expect(seen).not.toContain('paused');
  expect(helper().calls.at(-1)).toEqual(['update', ['db_query']]);
});

test('pausing the last probe closes the session; its figures stay', async () => {
  const { helper } = start();
  const route = await registry.add(newProbe('route'));
  helper().snapshot(1, { route: 3 });
  await expect.poll(() => route.aggregate.totals.count).toBe(3);
  await registry.pause([route.key]);
  expect(helper().calls.at(-1)).toEqual(['close', []]);
  expect(route.state).toEqual({ kind: 'paused' });
  expect(route.aggregate.totals.count).toBe(3);
});

test('what a workspace remembers comes back paused, under its key, and is looked up anew when resumed', async () => {
  const { helper } = start();
  await registry.add(newProbe('route'));
  const stored = JSON.parse(JSON.stringify(registry.stored)) as typeof registry.stored;
  registry.dispose();
  start();
  registry.restore(stored);
  expect(states()).toEqual(['paused']);
  expect(registry.probes[0]?.key).toBe(stored[0]?.key);
  await registry.resume([stored[0]!.key]);
  expect(states()).toEqual(['running']);
  expect(helpers.at(-1)?.probes.map(nameOf)).toEqual(['route']);
  expect(helper()).toBe(helpers.at(-1));
});

test('a helper that dies ends its probes with the reason; resuming asks for another helper', async () => {
  const { helper } = start();
  const route = await registry.add(newProbe('route'));
  helper().die();
  await expect.poll(() => route.isActive).toBe(false);
  await registry.resume([route.key]);
  expect(helpers).toHaveLength(2);
  expect(states()).toEqual(['running']);
});
