import type { Profile } from '../../protocol/profile.ts';
import { frameKinds } from '../../protocol/profile.ts';
import { textAt } from '../strings.ts';

/** What stackcollapse-perf.pl appends with `--all`, so that kinds survive the round trip. */
export const kindSuffix: Readonly<Record<string, string>> = { kernel: '_[k]', inlined: '_[i]', jit: '_[j]' };

/** Characters a chunk has at most, about: V8's strings end at 512 MB, so the whole may not be one. */
const CHUNK = 1 << 20;

/**
 * Folded stacks, `a;b;c weight` a line, in chunks. Semicolons and line breaks inside names become colons and spaces, because
 * the format cannot quote; empty names become `[unknown]`.
 */
export function* exportFolded(profile: Profile): Generator<string> {
  const { frames, nodes, strings } = profile;
  const names: string[] = [];
  for (let i = 0; i < frames.name.length; i++) {
    const plain = textAt(strings, frames.name[i]!)
      .replaceAll(';', ':')
      .replace(/[\r\n]+/g, ' ');
    names.push(`${plain === '' ? '[unknown]' : plain}${kindSuffix[frameKinds[frames.kind[i]!]!] ?? ''}`);
  }
  const path: string[] = [];
  let chunk = '';
  for (let i = 1; i < nodes.depth.length; i++) {
    const depth = nodes.depth[i]!;
    path.length = depth - 1;
    path.push(names[nodes.frame[i]!]!);
    const weight = nodes.self[i]!;
    if (weight === 0) continue;
    chunk += `${path.join(';')} ${decimal(weight)}\n`;
    if (chunk.length > CHUNK) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk !== '') yield chunk;
}

/** A weight without an exponent, which flamegraph.pl would not read. */
export function decimal(weight: number): string {
  if (Number.isInteger(weight)) return weight.toFixed(0);
  return weight.toFixed(6).replace(/0+$/, '');
}
