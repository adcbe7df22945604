import { execFile } from 'node:child_process';
import type { EngineFacts } from '../../protocol/target.ts';
import { atLeast, OLDEST_VERSION, parseVersion } from '../engines/bpftrace/version.ts';
import { findPrivilege, findProgram, type Privilege } from '../privilege/privilege.ts';

/** The engine that traces: where it is, which version, and how it is run with the rights it needs. */
export interface BpftraceFacts {
  readonly facts: EngineFacts;
  readonly privilege: Privilege;
}

/** Older ones insist on root. */
const TAKES_CAPABILITIES = '0.25';

/** A busy guest under emulation needed 6 s. */
const VERSION_TIMEOUT_MS = 20_000;

const INSTALL =
  'Install it on the target: sudo apt-get install bpftrace (Debian, Ubuntu), dnf install bpftrace (Fedora, RHEL).';

/** Finds bpftrace and how to run it; about 50 ms. Whether it attaches is tried by `facts.ts`. */
export async function bpftraceFacts(): Promise<BpftraceFacts> {
  const path = await findProgram('bpftrace');
  const version = path === undefined ? undefined : await versionOf(path, /bpftrace v?(\d+\.\d+(?:\.\d+)?)/);
  const privilege = await findPrivilege(path ?? '/usr/bin/bpftrace', {
    takesCapabilities: version !== undefined && atLeast(version, TAKES_CAPABILITIES),
  });
  if (path === undefined)
    return { privilege, facts: { works: false, detail: 'bpftrace is not installed.', remedy: INSTALL } };
  if (version === undefined)
    return {
      privilege,
      facts: {
        works: false,
        path,
        detail: `${path} does not tell its version.`,
        remedy: `Run it in a terminal: ${path} --version`,
      },
    };
  if (parseVersion(version) === undefined || !atLeast(version, OLDEST_VERSION))
    return {
      privilege,
      facts: {
        ...{ works: false, path, version },
        detail: `${path} is bpftrace ${version}; ${OLDEST_VERSION} is the oldest that Probescope drives.`,
        remedy: 'Update it on the target; Debian 12 has 0.17 and Ubuntu 24.04 has 0.20.',
      },
    };
  return { privilege, facts: { works: true, path, version, detail: `${path} is bpftrace ${version}.` } };
}

/** What a program answers to `--version`, or to another argument; undefined when nothing in it fits the pattern. */
export function versionOf(
  path: string,
  pattern: RegExp,
  argument = '--version',
): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, [argument], { timeout: VERSION_TIMEOUT_MS }, (_, output, errors) =>
      resolve(pattern.exec(output + errors)?.[1]),
    );
  });
}
