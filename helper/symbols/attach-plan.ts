import type { RefusedSite, Site } from '../../protocol/probe.ts';
import { copyEntries } from './copy-entries.ts';
import { costClassAt } from './cost-class.ts';
import type { DebugInfo } from './debug-info.ts';
import { prefixRefusal } from './instructions/probeable.ts';
import type { FunctionBody, FunctionInfo, InlinedCopy } from './model.ts';

/** The bodies in which calls begin. */
export function probedBodies(info: FunctionInfo): readonly FunctionBody[] {
  return info.bodies.filter(
    (body) => !isPart(body) || (info.bodies.every(isPart) && info.inlined.length === 0),
  );
}

/** Where the inlined copies of a function begin; an address of `taken` is probed already. */
export function planCopies(
  debug: DebugInfo,
  info: FunctionInfo,
  taken: ReadonlySet<number>,
): { readonly sites: readonly Site[]; readonly refused: readonly RefusedSite[] } {
  const places = new Map<number, { readonly copy: InlinedCopy; calls: number }>();
  const refused: RefusedSite[] = [];
  const entries = info.inlined.map((copy) => ({
    copy,
    addresses: copy.ranges.length === 0 ? [] : copyEntries(debug, copy),
  }));
  // A copy whose ranges reach around another one finds the other's entry too: it is left to the one that has no other.
  for (const { copy, addresses } of [...entries].sort((a, b) => a.addresses.length - b.addresses.length))
    placeCopy(debug, copy, addresses, taken, places, refused);
  const sites: Site[] = [];
  for (const [vaddr, { copy, calls }] of [...places].sort(([a], [b]) => a - b)) {
    const fileOffsetBytes = debug.elf.fileOffsetOf(vaddr);
    if (fileOffsetBytes === undefined) refused.push(copyRefusal(copy, 'has no bytes in the file.'));
    else
      sites.push({
        kind: 'inlined',
        ...{ vaddr, fileOffsetBytes },
        cost: costClassAt(debug.elf, vaddr),
        ...{ place: copy.callSite, into: copy.into },
        ...(calls === 1 ? {} : { callsAHit: calls }),
        countedOnly: `It is inlined into ${copy.into} there: such a copy has no return of its own, and bpftrace attaches by symbol. It can be counted.`,
      });
  }
  return { sites, refused };
}

function placeCopy(
  debug: DebugInfo,
  copy: InlinedCopy,
  addresses: readonly number[],
  taken: ReadonlySet<number>,
  places: Map<number, { readonly copy: InlinedCopy; calls: number }>,
  refused: RefusedSite[],
): void {
  const [first] = addresses;
  const free = addresses.filter((address) => !taken.has(address));
  const own = free.filter((address) => !places.has(address));
  if (first === undefined) refused.push(copyRefusal(copy, 'has no instructions of its own.'));
  else if (free.length === 0)
    refused.push(
      copyRefusal(copy, 'begins at the same instruction as the function itself, which is probed.'),
    );
  // The compiler put the beginnings of two calls, one after the other, at one instruction: a hit is one of each.
  else if (own.length === 0) for (const address of free.slice(0, 1)) places.get(address)!.calls++;
  for (const address of own) {
    const unprobeable = prefixRefusal(debug.elf, address);
    if (unprobeable === undefined) places.set(address, { copy, calls: 1 });
    else refused.push(copyRefusal(copy, `begins with ${unprobeable}`));
  }
}

function copyRefusal(copy: InlinedCopy, reason: string): RefusedSite {
  return {
    kind: 'inlined',
    place: copy.callSite,
    reason: `The copy inlined into ${copy.into} ${reason}`,
  };
}

/** GCC splits a function's unlikely rest off as `name.part.N`: it is reached from the copies of the head, which are probed. */
function isPart(body: FunctionBody): boolean {
  return body.symbol !== undefined && /\.part(\.\d+)?/.test(body.symbol);
}

export function partRefusal(info: FunctionInfo, body: FunctionBody): RefusedSite {
  return {
    kind: 'clone',
    ...(info.declared === undefined ? {} : { place: info.declared }),
    reason: `${body.symbol} is the split-off rest of the function: its calls are counted where they begin.`,
  };
}
