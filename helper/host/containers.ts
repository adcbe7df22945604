import { readlink, stat } from 'node:fs/promises';

/**
 * The container that a process runs in, from `/proc/PID/cgroup` (cgroups(7)): `RUNTIME:ID`, the id cut to 12 characters as
 * the tools print it; `NAME` alone for systemd-nspawn and LXC, whose groups carry the name. Undefined outside of one.
 */
export function containerOf(cgroup: string): string | undefined {
  for (const [runtime, pattern] of patterns) {
    const id = pattern.exec(cgroup)?.[1];
    if (id !== undefined) return `${runtime}:${/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id}`;
  }
  return undefined;
}

const ID = '([0-9a-f]{64})';
const patterns: readonly (readonly [runtime: string, pattern: RegExp])[] = [
  ['docker', new RegExp(`docker[-/]${ID}`)],
  ['podman', new RegExp(`libpod-${ID}`)],
  ['containerd', new RegExp(`cri-containerd[-:]${ID}`)],
  ['crio', new RegExp(`crio-${ID}`)],
  // kubelet's own groups under the cgroupfs driver name no runtime
  ['kubernetes', new RegExp(`kubepods[^:]*/${ID}`)],
  ['nspawn', /machine\.slice\/(?:systemd-nspawn@|machine-)([A-Za-z0-9_.-]+?)\.(?:service|scope)/],
  ['lxc', /lxc(?:\.payload)?[./]([A-Za-z0-9_.-]+)/],
];

/**
 * What sets a process apart that no runtime's group names: another root than ours, as bubblewrap, systemd-nspawn without a
 * machine, runc, or a plain chroot make it. `namespace:INODE` of its mount namespace, `chroot:PATH` in our own one. Undefined
 * where it sees our files, and where that may not be looked at.
 */
export async function namespaceOf(pid: number): Promise<string | undefined> {
  try {
    const [root, own, namespace, ours] = await Promise.all([
      stat(`/proc/${pid}/root/`),
      stat('/'),
      readlink(`/proc/${pid}/ns/mnt`),
      readlink('/proc/self/ns/mnt'),
    ]);
    if (root.ino === own.ino && root.dev === own.dev) return undefined;
    if (namespace !== ours) return `namespace:${/\d+/.exec(namespace)?.[0] ?? namespace}`;
    return `chroot:${await readlink(`/proc/${pid}/root`)}`;
  } catch {
    return undefined;
  }
}
