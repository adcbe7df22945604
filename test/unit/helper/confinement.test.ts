// Lockdown, Secure Boot and sandboxes: what is in the way is named, with the way out.
import { expect, test } from 'vitest';
import { confinementFinding, type Confinement } from '../../../helper/host/confinement.ts';

/** The lines of /proc/self/status that matter, as Linux 6.1 prints them. */
const status = (capabilities: string, seccomp: 0 | 2, noNewPrivs: 0 | 1): string =>
  `Name:\tnode\nCapInh:\t0000000000000000\nCapPrm:\t${capabilities}\nCapEff:\t${capabilities}\nCapBnd:\t${capabilities}\nNoNewPrivs:\t${noNewPrivs}\nSeccomp:\t${seccomp}\nSeccomp_filters:\t${seccomp === 2 ? 1 : 0}\n`;
const ALL = '000001ffffffffff';
/** What Docker and Podman give to root by default. */
const CONTAINER = '00000000a80425fb';
/** CAP_BPF and CAP_PERFMON, nothing else. */
const BPF_AND_PERFMON = '000000c000000000';
const free: Confinement = {
  ...{ lockdown: '[none] integrity confidentiality\n', secureBoot: undefined },
  ...{ status: status(ALL, 0, 0), uid: 0, attaches: true },
};

test('nothing is in the way', () => {
  expect(confinementFinding(free)).toEqual({
    works: true,
    detail: 'Neither kernel lockdown nor a sandbox is in the way.',
  });
  expect(confinementFinding({ ...free, lockdown: '' }).works).toBe(true);
  // systemd sets filters for many services; one that lets bpf() pass is not in the way
  expect(confinementFinding({ ...free, status: status(ALL, 2, 1) }).works).toBe(true);
});

test('lockdown=integrity, which Secure Boot brings, allows tracing; confidentiality does not', () => {
  const integrity = { ...free, lockdown: 'none [integrity] confidentiality\n', secureBoot: true };
  expect(confinementFinding(integrity)).toEqual({
    works: true,
    detail: 'The kernel is locked down (integrity), which allows tracing. Secure Boot is on.',
  });
  const secret = confinementFinding({
    ...free,
    lockdown: 'none integrity [confidentiality]\n',
    attaches: false,
  });
  expect(secret).toMatchObject({ works: false, remedy: expect.stringContaining('/proc/cmdline') as string });
  expect(secret.detail).toContain('refuses tracefs and kprobes');
  expect(secret.detail).not.toContain('Secure Boot');
});

test('a root without the capabilities is told from one with a filter of system calls', () => {
  const weak = confinementFinding({ ...free, status: status(CONTAINER, 2, 0), attaches: false });
  expect(weak.works).toBe(false);
  expect(weak.detail).toContain('neither CAP_SYS_ADMIN nor CAP_BPF and CAP_PERFMON');
  expect(weak.remedy).toContain('--privileged');
  expect(confinementFinding({ ...free, status: status(BPF_AND_PERFMON, 0, 0) }).works).toBe(true);
  const filtered = confinementFinding({ ...free, status: status(ALL, 2, 0), attaches: false });
  expect(filtered.works).toBe(false);
  expect(filtered.detail).toContain('seccomp');
});

test('no_new_privs is told to users, for whom sudo does nothing then', () => {
  const user = { ...free, uid: 1000, status: status('0000000000000000', 0, 1), attaches: false };
  expect(confinementFinding(user)).toMatchObject({ works: false });
  expect(confinementFinding(user).detail).toContain('no_new_privs');
  // one who was never asked is not confined: what is missing is said under privileges
  expect(confinementFinding({ ...user, status: status('0000000000000000', 0, 0) }).works).toBe(true);
});
