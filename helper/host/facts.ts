import { access, constants, readFile } from 'node:fs/promises';
import { arch, cpus, hostname, platform, release } from 'node:os';
import { asProblem } from '../../protocol/errors.ts';
import { abilities, type EngineFacts, type Finding, type TargetFacts } from '../../protocol/target.ts';
import { findTracefs } from '../kernel/tracefs.ts';
import { noAbilities, tryAbilities } from './abilities.ts';
import { effectiveCapabilities, engineWords, findProgram, perfRefusal } from '../privilege/privilege.ts';
import { confinement } from './confinement.ts';
import { bpftraceFacts, versionOf } from './bpftrace-facts.ts';

/** Everything about this host that decides what can be traced here; each finding was tried. Takes 1 to 2 s. */
export async function targetFacts(): Promise<TargetFacts> {
  const [bpftrace, perf, btf, tracefs] = await Promise.all([
    bpftraceFacts(),
    perfFacts(),
    btfFinding(),
    tracefsFinding(),
  ]);
  const { privilege, facts } = bpftrace;
  const found =
    facts.works && facts.path !== undefined && facts.version !== undefined && privilege.way !== 'none'
      ? await tryAbilities(
          {
            words: engineWords(privilege, 'bpftrace', facts.path),
            version: facts.version,
            ...(privilege.remedy === undefined ? {} : { uprobeRemedy: privilege.remedy }),
          },
          abilities,
        )
      : facts.works
        ? noAbilities(`bpftrace was not tried: ${privilege.detail}`, privilege.remedy)
        : noAbilities(facts.detail, facts.remedy);
  return {
    hostname: hostname(),
    platform: platform(),
    arch: arch(),
    kernelRelease: release(),
    cpus: cpus().length,
    nodeVersion: process.versions.node,
    privilege: {
      works: privilege.way !== 'none',
      way: privilege.way,
      uid: privilege.uid,
      detail: privilege.detail,
      ...(privilege.remedy === undefined || found.uprobe.works ? {} : { remedy: privilege.remedy }),
    },
    confinement: await confinement(found.uprobe.works),
    btf,
    tracefs,
    bpftrace: facts,
    perf,
    abilities: found,
  };
}

async function perfFacts(): Promise<EngineFacts> {
  const path = await findProgram('perf');
  const remedy =
    'Install it on the target: sudo apt-get install linux-perf (Debian), linux-tools-generic (Ubuntu), perf (Fedora, RHEL).';
  if (path === undefined) return { works: false, detail: 'perf is not installed.', remedy };
  const version = await versionOf(path, /perf version (\S+)/, 'version');
  if (version === undefined)
    return { works: false, path, detail: `${path} does not tell its version.`, remedy };
  const refusal = perfRefusal(
    Number(await readFile('/proc/sys/kernel/perf_event_paranoid', 'utf8').catch(() => '-1')),
    process.getuid?.() ?? -1,
    effectiveCapabilities(await readFile('/proc/self/status', 'utf8').catch(() => '')),
  );
  const detail = `${path} is perf ${version}.`;
  if (refusal !== undefined) return { path, version, ...refusal, detail: `${detail} ${refusal.detail}` };
  return { works: true, path, version, detail };
}

async function btfFinding(): Promise<Finding> {
  const file = '/sys/kernel/btf/vmlinux';
  const readable = await access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
  if (readable) return { works: true, detail: `${file} can be read.` };
  return {
    works: false,
    detail: `${file} is not there or cannot be read.`,
    remedy:
      'Kernel types and fentry need a kernel built with CONFIG_DEBUG_INFO_BTF; tracepoints and uprobes do without.',
  };
}

async function tracefsFinding(): Promise<Finding> {
  try {
    const { root, mountedByUs } = await findTracefs();
    return { works: true, detail: `${root} can be read${mountedByUs ? '; it was mounted just now' : ''}.` };
  } catch (error) {
    const { message, remedy } = asProblem(error);
    return { works: false, detail: message, ...(remedy === undefined ? {} : { remedy }) };
  }
}
