// Latency of kernel functions in guests with stock Debian kernels, by fentry and fexit and by kprobe and kretprobe, beside a
// bpftrace script that was written by hand: as often, and as long.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nearestRank } from '../../webview/events/model.ts';
import type { Guest } from '../lab/guest.ts';
import { missingForLab } from '../lab/run.ts';
import { cli, guestWithCli, sshTo, together } from './together.ts';

const SELECTS = 60;
const LISTINGS = 20;
const PROGRAMS = 40;
/** A guest under emulation, on a busy machine: bpftrace alone has taken 20 s to attach there. */
const SLOW_MS = 600_000;
/**
 * One of the two measures the other's probes as well, which under emulation take some tenths of a millisecond by fentry; by
 * kprobes 1.7 ms were seen. Alone, one after the other, they agree: p50 6.12 and 6.01 ms of ours, 6.07 and 6.39 ms of the script.
 */
const OTHERS_FENTRY_NS = 500_000;
const OTHERS_KPROBES_NS = 2_500_000;
const missing = missingForLab('qemu-system-x86_64', 'mmdebstrap', 'ssh', 'busybox', 'cpio', 'tar');

/**
 * One process all the time: it sleeps in select, mostly 10 ms and sometimes 80, lists a folder of an overlay, where the kernel's
 * iterate_dir calls itself, twice each, and becomes another program again and again.
 */
const work = `my ($left) = @ARGV;
if ($left == ${PROGRAMS}) {
  $_ = <STDIN>;
  select(undef, undef, undef, $_ % 15 ? 0.01 : 0.08) for 1 .. ${SELECTS};
  for (1 .. ${LISTINGS}) { opendir(my $d, "merged/folder"); my @names = readdir($d); closedir($d); }
}
exec $^X, $0, $left - 1 if $left > 0;
`;
const overlay = `syscall(165, my $a = "overlay", my $b = "$ENV{PWD}/merged", my $c = "overlay", 0, my $d = "lowerdir=$ENV{PWD}/lower,upperdir=$ENV{PWD}/upper,workdir=$ENV{PWD}/own") == 0 or die "mount: $!"`;

interface Measured {
  readonly function: string;
  readonly attachedBy: string;
  readonly count: number;
  readonly lost: number;
  readonly latencyNs: {
    readonly returned: number;
    readonly p50: number;
    readonly p99: number;
    readonly mean: number;
  };
  readonly callers: readonly {
    readonly stack: readonly { readonly function: string }[];
    readonly count: number;
  }[];
}

describe.each([
  { suite: 'bookworm', fentry: 'kfunc', fexit: 'kretfunc' },
  { suite: 'trixie', fentry: 'fentry', fexit: 'fexit' },
] as const)('latency of kernel functions in Debian $suite', ({ suite, fentry, fexit }) => {
  let guest: Guest;
  const ssh = sshTo(() => guest);

  beforeAll(async () => {
    if (missing !== undefined) return;
    guest = await guestWithCli(suite);
    ssh('cat > work.pl', Buffer.from(work));
    ssh('mkdir -p lower upper/folder own merged; touch upper/folder/file; sudo -n modprobe overlay');
    ssh(`sudo -n --preserve-env=PWD perl -`, Buffer.from(overlay));
  }, 600_000);
  afterAll(async () => {
    await guest?.stop();
  });

  test(
    'agrees with a script written by hand, through recursion and exec, by either way of attaching',
    (ctx) => {
      if (missing !== undefined) return ctx.skip(missing);
      // a clone: BTF does not know it, so that it is attached by kprobe
      const exec = ssh(
        `sudo -n sed -n 's/^\\(do_execveat_common[.a-z0-9]*\\)$/\\1/p' /sys/kernel/tracing/available_filter_functions`,
      ).trim();
      expect(exec).toMatch(/^do_execveat_common\.[\w.]+$/);
      const functions = ['core_sys_select', 'iterate_dir', exec];
      const by = (name: string) => (name === exec ? ['kprobe', 'kretprobe'] : [fentry, fexit]);
      const clauses = functions.map((name, at) => {
        const [entry, exit] = by(name);
        return `${entry}:${name} /pid == $WORK/ { @n[tid, ${at}]++; @s[tid, ${at}, @n[tid, ${at}]] = nsecs; }
${exit}:${name} /pid == $WORK && @n[tid, ${at}] > 0/ { printf("${at} %lld\\n", nsecs - @s[tid, ${at}, @n[tid, ${at}]]); @n[tid, ${at}]--; }`;
      });
      const [printed = '', counted = ''] = together(ssh, `perl work.pl ${PROGRAMS}`, [
        {
          run: `${cli} trace ${functions.map((name) => `--kernel-function ${name}`).join(' ')} --measure latency,callers --pid $WORK --duration 10m --json`,
          attached: 'grep -q "attached to" OUT',
        },
        {
          run: `cat > hand.bt <<END\n${clauses.join('\n')}\nEND\nsudo -n bpftrace hand.bt`,
          attached: 'grep -q Attach OUT',
        },
      ]);
      const line = printed.split('\n').find((text) => text.startsWith('{')) ?? printed;
      const { probes } = JSON.parse(line) as { probes: Measured[] };
      const calls = [SELECTS, 4 * LISTINGS, PROGRAMS];
      functions.forEach((name, at) => {
        const own = probes.find((probe) => probe.function === name);
        const beside = [...counted.matchAll(new RegExp(`^${at} (\\d+)$`, 'gm'))]
          .map((match) => Number(match[1]))
          .sort((a, b) => a - b);
        expect(beside, name).toHaveLength(calls[at]!);
        expect(own, name).toMatchObject({
          attachedBy: name === exec ? 'kprobe' : 'fentry',
          count: calls[at],
          lost: 0,
          latencyNs: { returned: calls[at] },
        });
        // Of few calls of two kinds the neighbours of a rank differ by more than the measurement does: ours lies among theirs around it.
        const others = name === exec ? OTHERS_KPROBES_NS : OTHERS_FENTRY_NS;
        const among = (ours: number, low: number, high: number) => {
          expect(ours, name).toBeGreaterThan(0.9 * nearestRank(beside, low) - others);
          expect(ours, name).toBeLessThan(1.1 * nearestRank(beside, high) + others);
        };
        among(own!.latencyNs.p50, 0.4, 0.6);
        among(own!.latencyNs.p99, 0.95, 1);
        const mean = beside.reduce((sum, ns) => sum + ns, 0) / beside.length;
        expect(Math.abs(own!.latencyNs.mean - mean), name).toBeLessThan(0.1 * mean + others);
      });
      const stacks = probes.map(({ callers }) =>
        callers.map(({ stack }) => stack.map((frame) => frame.function).join(' ')),
      );
      expect(stacks[0]!.every((stack) => /^core_sys_select .*do_syscall_64/.test(stack))).toBe(true);
      // called from itself by the overlay, without the machinery between
      expect(stacks[1]!.some((stack) => /^iterate_dir ovl_\w+ .*iterate_dir .*getdents/.test(stack))).toBe(
        true,
      );
      expect(stacks.flat().join(' ')).not.toContain('bpf_');
    },
    SLOW_MS,
  );

  test(
    'that cannot be had is refused with the reason, and nothing stays attached',
    (ctx) => {
      if (missing !== undefined) return ctx.skip(missing);
      const refused = (name: string) =>
        ssh(`${cli} trace --kernel-function ${name} --duration 1s 2>&1; echo "code $?"`);
      expect(refused('no_such_function')).toMatch(/has no function no_such_function[^]*code 1/);
      expect(refused('__switch_to_asm')).toMatch(/allows no probe in __switch_to_asm[^]*code 1/);
      expect(ssh('sudo -n cat /sys/kernel/tracing/enabled_functions')).toBe('');
      expect(ssh('pgrep -x bpftrace || echo none').trim()).toBe('none');
    },
    SLOW_MS,
  );
});
