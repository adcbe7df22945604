/** Which target this workspace traces on: this machine until another one is chosen. */
import { EventEmitter, type Disposable, type Memento } from 'vscode';
import { targetList } from '../core/targets/configured.ts';
import { sshHosts } from '../core/targets/ssh-config.ts';
import { localTarget, type Target } from '../core/targets/target.ts';
import type { Settings } from '../platform/settings.ts';

const KEY = 'probescope.target';

export class TargetChoice implements Disposable {
  readonly #settings: Settings;
  readonly #memento: Memento;
  readonly #log: (line: string) => void;
  readonly #changed = new EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  #current: Target = localTarget;

  constructor(settings: Settings, memento: Memento, log: (line: string) => void) {
    this.#settings = settings;
    this.#memento = memento;
    this.#log = log;
  }

  get current(): Target {
    return this.#current;
  }

  /** All targets there are now: settings and the OpenSSH configuration are read anew. */
  async list(): Promise<readonly Target[]> {
    const { targets, refused } = targetList(this.#settings.get('targets'), await sshHosts());
    for (const line of refused) this.#log(line);
    return targets;
  }

  /** Takes up what the workspace remembers; a target that is gone is this machine again. */
  async restore(): Promise<void> {
    const name = this.#memento.get<string>(KEY);
    if (name === undefined) return;
    const known = (await this.list()).find((target) => target.name === name);
    if (known === undefined)
      this.#log(`The target “${name}” is no longer configured; tracing on this machine.`);
    this.#set(known ?? localTarget);
  }

  async choose(target: Target): Promise<void> {
    await this.#memento.update(KEY, target.kind === 'local' ? undefined : target.name);
    this.#set(target);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #set(target: Target): void {
    this.#current = target;
    this.#changed.fire();
  }
}
