// Events of kernel functions over ssh, in guests with stock Debian kernels: 6.1, which records them by kprobe and kretprobe, and
// 6.12, where ftrace records entry and return as fentry and fexit do. bpftrace counts beside us.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from '../lab/guest.ts';
import { missingForLab } from '../lab/run.ts';
import { cli, guestWithCli, sshTo, together as sideBySide, type BesideWork } from './together.ts';

const CALLS = 50;
const missing = missingForLab('qemu-system-x86_64', 'mmdebstrap', 'ssh', 'busybox', 'cpio', 'tar');

/** A child that waits for a line and then changes into a folder that is not there, and reads CALLS times 64 bytes. */
const work = [
  'read -r go',
  `i=0; while [ $i -lt ${CALLS} ]; do i=$((i+1)); cd /nonexistent/$i 2>/dev/null; done`,
  `exec dd if=/dev/zero of=/dev/null bs=64 count=${CALLS} 2>/dev/null`,
].join('; ');

type Row = Record<string, unknown>;

describe.each([
  { suite: 'bookworm', kernel: /^6\.1\./, definition: /^p:/m },
  { suite: 'trixie', kernel: /^6\.12\./, definition: /^f:/m },
] as const)('kernel functions in Debian $suite', ({ suite, kernel, definition }) => {
  let guest: Guest;
  const ssh = sshTo(() => guest);

  beforeAll(async () => {
    if (missing !== undefined) return;
    guest = await guestWithCli(suite);
  }, 600_000);
  afterAll(async () => {
    await guest?.stop();
  });

  const together = (commands: readonly BesideWork[]) => sideBySide(ssh, `sh -c '${work}'`, commands);

  const rowsOf = (printed: string): Row[] =>
    printed
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Row)
      .filter((row) => !('counts' in row));
  const traced = (...words: string[]) => ({
    run: `${cli} events ${words.join(' ')} --pid $WORK --json`,
    attached: 'sudo -n grep -qs "probescope_" /sys/kernel/tracing/dynamic_events',
  });

  test('are listed', (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    expect(guest.kernelRelease).toMatch(kernel);
    const listed = ssh(`${cli} sources --kind kernel-function --match '^kernel-function:vmlinux:vfs_read$'`);
    expect(listed.trim()).toBe('kernel-function:vmlinux:vfs_read');
  });

  test('are recorded with arguments, result and duration, as often as bpftrace counts them', (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const script =
      'kprobe:vfs_read /pid == $WORK && arg2 == 64/ { @entries = count(); } kretprobe:vfs_read /pid == $WORK && (int64)retval == 64/ { @returns = count(); }';
    const [printed = '', counted = ''] = together([
      traced('kernel-function:vmlinux:vfs_read', `--filter 'count == 64'`, '--stacks kernel'),
      { run: `sudo -n bpftrace -e "${script}"`, attached: 'grep -q Attaching OUT' },
    ]);
    expect(ssh('cat definitions')).toMatch(definition);
    const rows = rowsOf(printed);
    expect(counted).toContain(`@entries: ${CALLS}`);
    expect(rows).toHaveLength(CALLS);
    for (const row of rows) {
      expect(row).toMatchObject({ event: 'kernel-function:vmlinux:vfs_read', count: 64, ret: 64 });
      expect(row['duration']).toBeGreaterThan(0);
      expect(row['duration']).toBeLessThan(1e9);
      expect((row['kernel_stack'] as string[]).join(' ')).toMatch(/vfs_read .*ksys_read .*do_syscall_64/);
    }
  });

  test('give the same calls as the system call around them, with errors as results', (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const [printed = ''] = together([traced('kernel-function:vmlinux:__x64_sys_chdir', 'syscall:chdir')]);
    const rows = rowsOf(printed);
    const inner = rows.filter((row) => row['event'] === 'kernel-function:vmlinux:__x64_sys_chdir');
    const outer = rows.filter((row) => row['event'] === 'syscall:chdir');
    expect([inner.length, outer.length]).toEqual([CALLS, CALLS]);
    inner.forEach((row, index) => {
      expect(row['ret']).toBe(-2);
      // within the system call: it begins later and takes no longer
      expect(Number(row['time'])).toBeGreaterThan(Number(outer[index]?.['time']));
      expect(Number(row['duration'])).toBeLessThan(Number(outer[index]?.['duration']));
    });
  });

  test('are printed by the copied bpftrace script too, with the same values', (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const event = 'kernel-function:vmlinux:vfs_read';
    const filter = `--filter 'count == 64'`;
    const [printed = ''] = together([
      {
        run: `${cli} events ${event} ${filter} --pid $WORK --copy bpftrace > copied.bt; sudo -n bpftrace copied.bt`,
        attached: 'grep -q Attaching OUT',
      },
    ]);
    expect(
      printed.match(/^dd \d+ vfs_read file=\S+ buf=\S+ count=64 pos=\S+ ret=64 duration=\d+ ns$/gm),
    ).toHaveLength(CALLS);
  });

  test('are fentry and fexit for bpftrace scripts, whose counts agree', (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const script =
      'kfunc:vfs_read /pid == $WORK && args->count == 64/ { @entries = count(); } kretfunc:vfs_read /pid == $WORK && args->count == 64 && retval == 64/ { @returns = count(); } interval:ms:200 { printf("attached\\n"); }';
    const [printed = '', counted = ''] = together([
      traced('kernel-function:vmlinux:vfs_read', `--filter 'count == 64'`),
      {
        run: `cat > fentry.bt <<END\n${script}\nEND\n${cli} run fentry.bt`,
        attached: 'grep -q ^attached OUT',
      },
    ]);
    expect(rowsOf(printed)).toHaveLength(CALLS);
    expect(counted).toMatch(new RegExp(`@entries: ${CALLS}\\b`));
    expect(counted).toMatch(new RegExp(`@returns: ${CALLS}\\b`));
  });

  test('that the kernel refuses are refused with its words, and nothing stays in tracefs', (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const refused = ssh(
      `${cli} events kernel-function:vmlinux:no_such_function --first 1 2>&1; echo "code $?"`,
    );
    expect(refused).toMatch(/no_such_function|No such|not found|refused|symbol/i);
    expect(refused).not.toContain('code 0');
    expect(
      ssh('sudo -n cat /sys/kernel/tracing/dynamic_events; sudo -n ls /sys/kernel/tracing/instances'),
    ).toBe('');
  });
});
