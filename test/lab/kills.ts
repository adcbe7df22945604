import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { buildWorkload, programOf } from '../../scripts/workloads.ts';
import { startSshHost, type SshHost } from './ssh-host.ts';
import type { OwnerConfig, OwnerReport } from './trace-owner.ts';

/** What can die between an editor and a probe. */
export const victims = [
  'ssh client',
  "sshd's child",
  'helper',
  'supervisor',
  'bpftrace',
  'extension host',
] as const;
export type Victim = (typeof victims)[number];

/** What one kill, or one cut of the link, led to. */
export interface KillOutcome {
  /** Until nothing of what ran before was left on the target, in ms. */
  readonly cleanMs: number;
  /** Orphans: what was still there when patience ended. */
  readonly left: readonly string[];
  /** Age of the newest snapshot that the owner, or its recording, had at that moment, in ms. */
  readonly dataAgeMs: number;
  /** Until probes counted again, in ms; of an extension host that was killed, of its successor. */
  readonly againMs: number;
  /** What the owner said of the probe in between. */
  readonly problem: string | undefined;
}

const PATIENCE_MS = 15_000;
const root = join(import.meta.dirname, '../..');

/** A host of its own with a program on it, and an owner here that traces it over ssh and records. */
export class KillLab {
  readonly host: SshHost;
  readonly #folder: string;
  readonly #recordings: string[] = [];
  #owner: Owner | undefined;

  private constructor(host: SshHost, folder: string) {
    this.host = host;
    this.#folder = folder;
  }

  static async start(name: string, network: number): Promise<KillLab> {
    buildWorkload('shop');
    const folder = mkdtempSync(join(tmpdir(), 'probescope-kills-'));
    const host = await startSshHost({ name, network });
    const lab = new KillLab(host, folder);
    // this machine's binaries are the host's own, by its overlay
    host.asRoot('sh', '-c', `nohup ${programOf('shop')} --threads 2 --rate 200 </dev/null >/dev/null 2>&1 &`);
    chmodSync(folder, 0o755);
    return lab;
  }

  get recordings(): readonly string[] {
    return this.#recordings;
  }

  /** An owner whose probe counts. */
  async counting(): Promise<Owner> {
    if (this.#owner === undefined) {
      const recording = join(this.#folder, `${this.#recordings.length}.probescope`);
      this.#recordings.push(recording);
      this.#owner = new Owner({
        host: this.host.name,
        options: this.host.options,
        node: process.execPath,
        bundle: join(root, 'dist', 'helper.js'),
        binary: programOf('shop'),
        function: 'db_query',
        recording,
      });
    }
    if (this.#owner.last?.probe === 'ended' && this.#owner.last.link === 'on') this.#owner.resume();
    await this.#owner.until(({ probe, snapshots }) => probe === 'running' && snapshots > 2);
    return this.#owner;
  }

  /** Engines and helpers on the host: `PID COMMAND LINE`. */
  get ours(): string[] {
    // the lab's own command line names bpftrace in its sudo rule
    return this.host
      .processes('')
      .filter(
        (line) => /probescope-(helper|engine|tracefs)|bpftrace/.test(line) && !/^\d+ unshare /.test(line),
      );
  }

  /** Kills one process with SIGKILL and waits for what follows. */
  async kill(victim: Victim): Promise<KillOutcome> {
    const owner = await this.counting();
    // a recording that is younger than its first commit has nothing to lose yet, nor has one whose link was cut until now
    const counted = owner.last?.snapshots ?? 0;
    if (victim === 'extension host')
      await owner.until(({ snapshots }) => snapshots > Math.max(10, counted + 4));
    const before = this.ours;
    const pid =
      victim === 'extension host' ? owner.pid : victim === 'ssh client' ? owner.sshPid : this.#pidOf(victim);
    return this.#watch(owner, before, victim, () => void process.kill(pid, 'SIGKILL'));
  }

  /** Cuts the link, and mends it once the target is clean. */
  async cut(): Promise<KillOutcome> {
    const owner = await this.counting();
    return this.#watch(owner, this.ours, 'link', () => this.host.cutLink());
  }

  async stop(): Promise<void> {
    this.#owner?.kill();
    await this.host.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #pidOf(victim: Victim): number {
    const patterns: Partial<Record<Victim, RegExp>> = {
      "sshd's child": /^\d+ sshd: tracer@notty/,
      helper: /^\d+ probescope-helper/,
      supervisor: /^\d+ \/bin\/sh -c .*probescope-engine/s,
      bpftrace: /^\d+ \/usr\/bin\/bpftrace/,
    };
    const line = this.host.processes('').find((text) => patterns[victim]?.test(text));
    if (line === undefined) throw new Error(`there is no ${victim}: ${this.ours.join('\n')}`);
    return Number(line.split(' ')[0]);
  }

  async #watch(
    owner: Owner,
    before: readonly string[],
    what: Victim | 'link',
    strike: () => void,
  ): Promise<KillOutcome> {
    const struckMs = Date.now();
    const snapshotsBefore = owner.last?.snapshots ?? 0;
    strike();
    // A helper outlives its engine, to tell of its end.
    const stays = what === 'bpftrace' || what === 'supervisor' ? /^\d+ probescope-helper/ : /^$/;
    const pids = new Set(before.filter((line) => !stays.test(line)).map((line) => line.split(' ')[0]));
    let left: string[];
    do {
      await delay(50);
      // what an owner started anew meanwhile is no orphan
      left = this.ours.filter((line) => pids.has(line.split(' ')[0]));
    } while (left.length > 0 && Date.now() - struckMs < PATIENCE_MS);
    const cleanMs = Date.now() - struckMs;
    let dataAgeMs = 0;
    if (what === 'extension host') {
      const path = this.#recordings.at(-1) ?? '';
      dataAgeMs = struckMs - newestSnapshotMs(path);
      this.#owner = undefined;
    } else {
      const { snapshotMs } = await owner.until(
        (said) => said.probe !== 'running' || said.snapshots > snapshotsBefore,
      );
      dataAgeMs = Math.max(0, struckMs - snapshotMs);
    }
    if (what === 'link') this.host.mendLink();
    const problem = what === 'extension host' ? undefined : await owner.problemSince(struckMs);
    const again = await this.counting();
    await again.until(({ probe, snapshotMs }) => probe === 'running' && snapshotMs > struckMs + cleanMs);
    return { cleanMs, left, dataAgeMs, againMs: Date.now() - struckMs, problem };
  }
}

/** The newest snapshot in a recording, by the target's wall clock. */
function newestSnapshotMs(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return (database.prepare('SELECT max(wall_clock_ms) AS ms FROM intervals').get() as { ms: number }).ms;
  } finally {
    database.close();
  }
}

/** What SQLite finds wrong with a recording; `ok` when nothing. */
export function integrityOf(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const row = database.prepare('PRAGMA integrity_check').get() as { integrity_check: string };
    return row.integrity_check;
  } finally {
    database.close();
  }
}

/** The process of `trace-owner.ts`, and what it says. */
class Owner {
  readonly #child: ChildProcess;
  readonly #said: (OwnerReport & { readonly atMs: number })[] = [];
  #errors = '';

  constructor(config: OwnerConfig) {
    this.#child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'trace-owner.ts'), JSON.stringify(config)],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.#said.push({ ...(JSON.parse(line) as OwnerReport), atMs: Date.now() });
        if (this.#said.length > 500) this.#said.shift();
      });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get last(): OwnerReport | undefined {
    return this.#said.at(-1);
  }

  /** Its only child. */
  get sshPid(): number {
    const { pid } = this;
    const found = childrenOf(pid);
    if (found[0] === undefined) throw new Error('the owner has no ssh');
    return found[0];
  }

  resume(): void {
    this.#child.stdin?.write('resume\n');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async until(wanted: (said: OwnerReport) => boolean): Promise<OwnerReport> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const { last } = this;
      if (last !== undefined && wanted(last)) return last;
      if (Date.now() > deadline || this.#child.exitCode !== null)
        throw new Error(`the owner is not so: ${JSON.stringify(last)} ${this.#errors.slice(-2000)}`);
      await delay(20);
    }
  }

  /** Why its probe ended since then; waits for it a while. */
  async problemSince(atMs: number): Promise<string | undefined> {
    const find = () => this.#said.find((said) => said.atMs >= atMs && said.problem !== undefined)?.problem;
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline && find() === undefined;)
      await delay(20);
    return find();
  }
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(Number);
}
