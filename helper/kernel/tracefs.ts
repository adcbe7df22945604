import { existsSync, readFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { ProbeError } from '../../protocol/errors.ts';
import { type TracepointFormat, parseFormat } from './format.ts';

/** Where tracefs is mounted, and how it came to be so. */
export interface TracefsPlace {
  readonly root: string;
  /** True when this process mounted it, as bpftrace, perf and trace-cmd need it to be. */
  readonly mountedByUs: boolean;
}

const STANDARD = '/sys/kernel/tracing';

/** Mount point of tracefs from the text of `/proc/self/mounts`; debugfs's automount counts as well. */
export function mountedTracefs(mounts: string): string | undefined {
  const points = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[2] === 'tracefs')
    .map((fields) => unescapeMount(fields[1] ?? ''));
  return points.includes(STANDARD) ? STANDARD : points[0];
}

/** Blanks in mount points are written as octal escapes (man 5 fstab). */
function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/**
 * Finds tracefs; mounts it at its standard place when it is not mounted and this process is root.
 * Throws `no-privileges` or `engine-missing` with the command that helps.
 */
export async function findTracefs(): Promise<TracefsPlace> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  const root = mountedTracefs(mounts);
  if (root !== undefined) return { root: await readable(root), mountedByUs: false };
  if (!existsSync(STANDARD))
    throw new ProbeError({
      code: 'engine-missing',
      message: `This kernel has no tracefs: ${STANDARD} does not exist.`,
      remedy: 'Tracepoints need a kernel built with CONFIG_TRACING.',
    });
  const mounted = await execa('mount', ['-t', 'tracefs', 'tracefs', STANDARD], { reject: false });
  if (mounted.failed)
    throw new ProbeError({
      code: 'no-privileges',
      message: `tracefs is not mounted, and mounting it was refused: ${mounted.stderr.trim() || mounted.shortMessage}.`,
      remedy: `Run: sudo mount -t tracefs tracefs ${STANDARD}`,
    });
  return { root: await readable(STANDARD), mountedByUs: true };
}

async function readable(root: string): Promise<string> {
  try {
    await readdir(join(root, 'events'));
    return root;
  } catch (cause) {
    throw new ProbeError(
      {
        code: 'no-privileges',
        message: `${root} cannot be read by this user.`,
        remedy: 'Connect as root, or let the helper use sudo (setting probescope.privilege).',
      },
      { cause },
    );
  }
}

/** The tracepoints of tracefs, read as they are asked for. Names come from one file, formats from one file each. */
export class Tracepoints {
  readonly root: string;
  private readonly formats = new Map<string, TracepointFormat>();

  constructor(root: string) {
    this.root = root;
  }

  /** `SUBSYSTEM` → names, both sorted. `available_events` lists them in one read; 2,323 of them take 1 ms. */
  async bySubsystem(): Promise<Map<string, string[]>> {
    const text = await readFile(join(this.root, 'available_events'), 'utf8');
    return groupEvents(text);
  }

  /** The format of `SUBSYSTEM:NAME`; throws `invalid-argument` for what is no name and `file-not-found` for what is gone. */
  format(event: string): TracepointFormat {
    const known = this.formats.get(event);
    if (known !== undefined) return known;
    const format = parseFormat(this.formatText(event));
    this.formats.set(event, format);
    return format;
  }

  /** The format file as it stands; throws like {@link format}. */
  formatText(event: string): string {
    try {
      return readFileSync(join(this.eventFolder(event), 'format'), 'utf8');
    } catch (cause) {
      if (cause instanceof ProbeError) throw cause;
      throw new ProbeError(
        {
          code: 'file-not-found',
          message: `The tracepoint ${event} does not exist on this kernel (any more).`,
          remedy: 'A module that was unloaded takes its tracepoints with it. Refresh the event sources.',
        },
        { cause },
      );
    }
  }

  /** `events/SUBSYSTEM/NAME` below tracefs or one of its instances. */
  eventFolder(event: string, instance?: string): string {
    const match = /^([\w-]+):([\w.-]+)$/.exec(event);
    if (match === null)
      throw new ProbeError({
        code: 'invalid-argument',
        message: `“${event}” is no tracepoint: SUBSYSTEM:NAME is expected.`,
      });
    const base = instance === undefined ? this.root : join(this.root, 'instances', instance);
    return join(base, 'events', match[1] ?? '', match[2] ?? '');
  }

  /** Forgets formats, e.g. after a module came or went. */
  refresh(): void {
    this.formats.clear();
  }
}

/** Groups the lines of `available_events`, leaving out ftrace's own entries and what other users probe. */
export function groupEvents(text: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const group = line.slice(0, colon);
    const names = groups.get(group);
    if (names === undefined) groups.set(group, [line.slice(colon + 1).trimEnd()]);
    else names.push(line.slice(colon + 1).trimEnd());
  }
  for (const names of groups.values()) names.sort();
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}
