import { expect, test } from 'vitest';
import { containerOf } from '../../../helper/host/containers.ts';

const id = '4f5a6b7c8d9e'.padEnd(64, '0');

test.each([
  [`0::/system.slice/docker-${id}.scope`, 'docker:4f5a6b7c8d9e'],
  [`12:memory:/docker/${id}\n11:cpu:/docker/${id}`, 'docker:4f5a6b7c8d9e'],
  [
    `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container`,
    'podman:4f5a6b7c8d9e',
  ],
  [
    `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-containerd-${id}.scope`,
    'containerd:4f5a6b7c8d9e',
  ],
  [`0::/kubepods/burstable/pod1/${id}`, 'kubernetes:4f5a6b7c8d9e'],
  ['0::/machine.slice/systemd-nspawn@web.service/payload', 'nspawn:web'],
  ['0::/lxc.payload.db1/init.scope', 'lxc:db1'],
  ['0::/user.slice/user-1000.slice/session-3.scope', undefined],
  ['', undefined],
])('%s', (cgroup, container) => {
  expect(containerOf(cgroup)).toBe(container);
});
