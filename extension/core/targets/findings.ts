import { abilities, type Ability, type Finding, type TargetFacts } from '../../../protocol/target.ts';

const names: Readonly<Record<Ability, string>> = {
  uprobe: 'uprobes',
  uretprobe: 'uretprobes',
  usdt: 'USDT',
  tracepoint: 'tracepoints',
  profile: 'profile',
  software: 'software events',
  kprobe: 'kprobes',
  fentry: 'fentry/fexit',
};

/** What was found on a target, in the order in which people ask: the host, the ways in, the engines, what attaches. */
export function findingsOf(
  facts: TargetFacts,
): readonly { readonly name: string; readonly finding: Finding }[] {
  const host = `${facts.hostname}: Linux ${facts.kernelRelease}, ${facts.arch}, ${facts.cpus} CPUs, Node ${facts.nodeVersion}.`;
  return [
    { name: 'host', finding: { works: facts.platform === 'linux', detail: host } },
    { name: 'privileges', finding: facts.privilege },
    { name: 'confinement', finding: facts.confinement },
    { name: 'bpftrace', finding: facts.bpftrace },
    { name: 'perf', finding: facts.perf },
    { name: 'tracefs', finding: facts.tracefs },
    { name: 'BTF', finding: facts.btf },
    ...abilities.map((ability) => ({ name: names[ability], finding: facts.abilities[ability] })),
  ];
}
