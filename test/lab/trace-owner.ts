/**
 * What an extension host is to a target: the link, the registry and a recording, without a window. A process of its own,
 * so that it can be killed. Says one JSON line whenever something changes; `resume` on standard input resumes all probes.
 *
 * node trace-owner.ts '{"host":…,"options":[…],"node":…,"bundle":…,"binary":…,"function":…,"recording":…}'
 */
import { createInterface } from 'node:readline';
import { HelperConnection } from '../../extension/core/connection.ts';
import { RecordingWriter } from '../../extension/core/recording/writer.ts';
import { ProbeRegistry } from '../../extension/core/registry.ts';
import { TargetLink } from '../../extension/core/targets/link.ts';
import { startHelper } from '../../extension/core/targets/start-helper.ts';

export interface OwnerConfig {
  readonly host: string;
  readonly options: readonly string[];
  readonly node: string;
  readonly bundle: string;
  readonly binary: string;
  readonly function: string;
  readonly recording: string;
}

/** What the owner says of itself. */
export interface OwnerReport {
  readonly link: string;
  readonly probe: string;
  readonly problem?: string;
  readonly count: number;
  /** Wall clock of the last snapshot. */
  readonly snapshotMs: number;
  readonly snapshots: number;
  readonly latencyNs?: number;
}

const config = JSON.parse(process.argv[2] ?? '{}') as OwnerConfig;
let [snapshotMs, snapshots] = [0, 0];
const writer = new RecordingWriter(config.recording, { title: 'owner' });
const link = new TargetLink({
  start: async () => {
    const streams = await startHelper(
      { kind: 'ssh', name: config.host, host: config.host, options: config.options },
      { bundle: config.bundle, nodePath: config.node, log: () => undefined },
    );
    const connection = await HelperConnection.open(streams, 'owner', { keepAlive: true });
    connection.onSnapshot((snapshot) => {
      writer.addSnapshot(snapshot);
      snapshotMs = Date.now();
      snapshots++;
    });
    return connection;
  },
  seeksAgain: () => true,
  log: (_, message) => process.stderr.write(`${message}\n`),
});
const registry = new ProbeRegistry({ connect: () => link.connect(), intervalMs: 250 });
link.onDidReturn(() => void registry.resumeLost().catch(report));
link.onDidChangeState(report);
registry.onDidChange(report);

function report(): void {
  const probe = registry.probes[0];
  const { latencyNs } = link;
  const said: OwnerReport = {
    link: link.state,
    probe: probe?.state.kind ?? 'none',
    ...(probe?.state.kind === 'ended' ? { problem: probe.state.problem.code } : {}),
    count: probe?.aggregate.figures.count ?? 0,
    snapshotMs,
    snapshots,
    ...(latencyNs === undefined ? {} : { latencyNs }),
  };
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

const connection = await link.connect();
const { subjects } = await connection.call('lookUp', { binary: config.binary, function: config.function });
const subject = subjects[0];
if (subject === undefined) throw new Error(`${config.function} was not found`);
await registry.add({ binary: config.binary, subject, measures: ['latency'] });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'resume') await registry.resume(registry.probes.map(({ key }) => key)).catch(report);
}
await registry.close();
writer.finish();
link.dispose();
