import { readFile } from 'node:fs/promises';

/** Where Docker and Podman keep what they know of their containers; only root may read them. */
const DOCKER = '/var/lib/docker/containers';
const PODMAN = [
  '/var/lib/containers/storage/overlay-containers/containers.json',
  '/var/lib/containers/storage/vfs-containers/containers.json',
];

/**
 * What people call a container, for one look at all processes: by Docker's and Podman's own files, and for pods by the host name
 * that the kubelet gives them, which is the pod's name. No tool is started, and what may not be read has no name.
 */
export class ContainerNames {
  readonly #names = new Map<string, Promise<string | undefined>>();
  #podman: Promise<ReadonlyMap<string, string>> | undefined;

  /** `container` as `containerOf` gives it; `cgroup` is the text that it came from. */
  nameOf(container: string, cgroup: string, pid: number): Promise<string | undefined> {
    let name = this.#names.get(container);
    if (name === undefined) this.#names.set(container, (name = this.#find(container, cgroup, pid)));
    return name;
  }

  async #find(container: string, cgroup: string, pid: number): Promise<string | undefined> {
    if (/kubepods/.test(cgroup)) return podName(pid);
    const id = /[0-9a-f]{64}/.exec(cgroup)?.[0];
    if (container.startsWith('docker:') && id !== undefined) return dockerName(id);
    if (container.startsWith('podman:') && id !== undefined) {
      this.#podman ??= podmanNames();
      return (await this.#podman).get(id);
    }
    // systemd-nspawn and LXC name their groups after the machine
    return /^(?:nspawn|lxc):(.+)$/.exec(container)?.[1];
  }
}

/** HOSTNAME of the environment at the start; a container without one, or somebody else's, has no name. */
async function podName(pid: number): Promise<string | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return environment
    .split('\0')
    .find((entry) => entry.startsWith('HOSTNAME='))
    ?.slice('HOSTNAME='.length);
}

async function dockerName(id: string): Promise<string | undefined> {
  const text = await readFile(`${DOCKER}/${id}/config.v2.json`, 'utf8').catch(() => '');
  // the whole is large and holds the environment: only the name is taken
  return /"Name":"\/([\w.-]+)"/.exec(text)?.[1];
}

async function podmanNames(): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const path of PODMAN) {
    const list = parsed(await readFile(path, 'utf8').catch(() => '[]'));
    for (const entry of list) {
      const { id, names: own } = entry as { id?: unknown; names?: unknown };
      const [first] = Array.isArray(own) ? (own as unknown[]) : [];
      if (typeof id === 'string' && typeof first === 'string') names.set(id, first);
    }
  }
  return names;
}

function parsed(text: string): readonly object[] {
  try {
    const value: unknown = JSON.parse(text);
    const list: readonly unknown[] = Array.isArray(value) ? value : [];
    return list.filter((entry) => typeof entry === 'object' && entry !== null);
  } catch {
    return [];
  }
}
