import { formatDuration } from '../../../protocol/format.ts';
import { abilities, type Ability, type Finding, type TargetFacts } from '../../../protocol/target.ts';
import type { ClockOffset } from '../keep-alive.ts';

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

/** Clocks that are kept in step by NTP differ by less. */
const SKEW_MS = 1000;

/** Whether times of the target are times of ours. */
export function clockFinding({ offsetMs, uncertaintyMs }: ClockOffset): Finding {
  const [apart, within] = [Math.abs(offsetMs), uncertaintyMs].map((ms) => formatDuration(ms * 1e6));
  if (Math.abs(offsetMs) - uncertaintyMs < SKEW_MS)
    return { works: true, detail: `Its clock agrees with ours, as far as that can be told (± ${within}).` };
  return {
    works: false,
    detail: `Its clock is ${apart} ${offsetMs > 0 ? 'ahead of' : 'behind'} ours (± ${within}): events and recordings of it bear its own time. Durations are right.`,
    remedy: 'Set the one that is wrong: timedatectl set-ntp true, or chronyc makestep.',
  };
}

/** What was found on a target, in the order in which people ask: the host, its clock where it is another than ours, the ways in, the engines, what attaches. */
export function findingsOf(
  facts: TargetFacts,
  clock?: ClockOffset,
): readonly { readonly name: string; readonly finding: Finding }[] {
  const host = `${facts.hostname}: Linux ${facts.kernelRelease}, ${facts.arch}, ${facts.cpus} CPUs, Node ${facts.nodeVersion}.`;
  return [
    { name: 'host', finding: { works: facts.platform === 'linux', detail: host } },
    ...(clock === undefined ? [] : [{ name: 'clock', finding: clockFinding(clock) }]),
    { name: 'privileges', finding: facts.privilege },
    { name: 'confinement', finding: facts.confinement },
    { name: 'bpftrace', finding: facts.bpftrace },
    { name: 'perf', finding: facts.perf },
    { name: 'tracefs', finding: facts.tracefs },
    { name: 'BTF', finding: facts.btf },
    ...abilities.map((ability) => ({ name: names[ability], finding: facts.abilities[ability] })),
  ];
}
