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
