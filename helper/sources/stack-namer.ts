import type { EventStack } from '../../protocol/events.ts';
import type { Frame } from '../../protocol/source.ts';
import { type CodePlace, keepsFrame, skippedBetween } from '../symbols/skipped-caller.ts';
import type { Symboliser } from '../symbols/symbolise.ts';
import { MOST_USER_FRAMES, type RawStack } from './tracefs/stacks.ts';

/** Stacks sent at once; the first are shown while the others are being named. */
const SENT_AT_ONCE = 200;

/** Where threads begin: nothing has called these. */
const outermost = /^(?:_start|__libc_start\w*|start_thread|_*clone3?)$/;

/** Names the stacks of a stream, in order, and sends them. */
export class StackNamer {
  private readonly symboliser: Symboliser;
  private readonly send: (stacks: readonly EventStack[]) => void;
  private readonly seen = new Set<number>();
  private queue: Promise<void> = Promise.resolve();

  constructor(symboliser: Symboliser, send: (stacks: readonly EventStack[]) => void) {
    this.symboliser = symboliser;
    this.send = send;
  }

  /** Takes stacks to be named. What is mapped where is read at once: the processes may end soon. */
  add(stacks: readonly RawStack[]): void {
    for (const { kind, pid } of stacks)
      if (kind === 'user' && !this.seen.has(pid)) {
        this.seen.add(pid);
        this.symboliser.prepare(pid);
      }
    for (let from = 0; from < stacks.length; from += SENT_AT_ONCE) {
      const some = stacks.slice(from, from + SENT_AT_ONCE);
      this.queue = this.queue.then(async () => {
        const named: EventStack[] = [];
        for (const stack of some) named.push(await this.name(stack));
        this.send(named);
      });
    }
  }

  /** Resolves when everything that was added has been sent. */
  done(): Promise<void> {
    return this.queue;
  }

  private async name(raw: RawStack): Promise<EventStack> {
    const { id, kind } = raw;
    try {
      if (kind === 'user') return { id, kind, ...(await this.nameUser(raw)) };
      return { id, kind, frames: await this.symboliser.stack(0, raw.addresses), notes: [] };
    } catch (thrown) {
      // The addresses are still true.
      const frames = raw.addresses.map((address) => ({ function: `0x${address}` }));
      return { id, kind, frames, notes: [`The stack could not be named: ${String(thrown)}`] };
    }
  }

  private async nameUser({ pid, addresses }: RawStack): Promise<Pick<EventStack, 'frames' | 'notes'>> {
    const frames: Frame[] = [];
    const notes: string[] = [];
    let inner: CodePlace | undefined;
    for (const [depth, address] of addresses.entries()) {
      const here = await this.framesAt(pid, address, depth > 0);
      const place = await this.placeOf(pid, here.at(-1));
      if (inner !== undefined && place !== undefined)
        frames.push(...skippedFrames(inner, { ...place, vaddr: place.vaddr + 1 }, frames.at(-1), notes));
      frames.push(...here);
      inner = place;
    }
    if (frames.length > 0 && frames.every((frame) => frame.module === undefined))
      notes.push(`Process ${pid} had ended before it could be read what its addresses stand for.`);
    const last = frames.at(-1);
    if (
      inner !== undefined &&
      last !== undefined &&
      addresses.length < MOST_USER_FRAMES &&
      !outermost.test(last.function) &&
      keepsFrame(inner) === false
    )
      notes.push(
        `The stack ends at ${last.function}, which keeps no frame pointer: build the program with -fno-omit-frame-pointer to see its callers.`,
      );
    if (addresses.length >= MOST_USER_FRAMES)
      notes.push(
        `The kernel records ${MOST_USER_FRAMES} frames with an event; what called the last of them is not known.`,
      );
    return { frames, notes };
  }

  /** As in {@link Symboliser.stack}: the innermost address is exact, others are stepped back into the call. */
  private framesAt(pid: number, address: string, isReturn: boolean): Promise<readonly Frame[]> {
    const at = isReturn ? (BigInt(`0x${address}`) - 1n).toString(16) : address;
    return this.symboliser.stack(pid, [at]);
  }

  private async placeOf(pid: number, frame: Frame | undefined): Promise<CodePlace | undefined> {
    if (frame?.module === undefined || typeof frame.address !== 'number') return undefined;
    const info = await this.symboliser.binaryOf(pid, frame.module);
    return info === undefined ? undefined : { info, vaddr: frame.address };
  }
}

/** Frames between two that frame pointers gave, found in the code, and a note about each gap. */
function skippedFrames(
  inner: CodePlace,
  outer: CodePlace,
  innerFrame: Frame | undefined,
  notes: string[],
): readonly Frame[] {
  if (keepsFrame(inner) !== false) return [];
  const skipped = skippedBetween(inner, outer);
  const name = innerFrame?.function ?? 'A function';
  const why = `${name} keeps no frame pointer where it was, so its caller is not in the recorded stack`;
  switch (skipped.kind) {
    case 'nothing':
      return [];
    case 'unknown':
      notes.push(`${why}.`);
      return [];
    case 'caller': {
      const known = functionFrames(outer, skipped.name, skipped.vaddr);
      const found = known.map((frame) => frame.function).join(' in ');
      notes.push(
        skipped.vaddr === undefined
          ? `${why}: the code tells that ${found} or what that calls has called it.`
          : `${why}: ${found} was found by its call in the code.`,
      );
      return known;
    }
  }
}

function functionFrames({ info }: CodePlace, name: string, vaddr: number | undefined): readonly Frame[] {
  const module = info.elf.path.replace(/^\/proc\/\d+\/root/, '');
  if (vaddr === undefined) return [{ function: info.demangle(name), module }];
  return info.frames(vaddr).map((frame) => ({
    function: frame.function === '??' ? info.demangle(name) : frame.function,
    ...(frame.line === 0 ? {} : { file: frame.file, line: frame.line }),
    ...(frame.column === 0 ? {} : { column: frame.column }),
    ...(frame.inlined ? { inlined: true } : {}),
    module,
    address: vaddr,
  }));
}
