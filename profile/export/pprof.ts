import type { Profile } from '../../protocol/profile.ts';
import { ProtobufWriter } from '../import/protobuf.ts';
import { parentsOf } from '../order.ts';
import { isLibrary } from '../groups.ts';
import { textAt } from '../strings.ts';

/** A profile as pprof's profile.proto, not yet packed: `go tool pprof` and its kin read it gzipped or plain. */
export function exportPprof(profile: Profile): Uint8Array<ArrayBuffer> {
  const out = new ProtobufWriter();
  const { frames, nodes, strings } = profile;
  const offset = strings.ends.length;
  // our texts keep their ids; those that only pprof needs follow
  const types: Readonly<Record<string, readonly [string, string]>> = {
    samples: ['samples', 'count'],
    count: ['count', 'count'],
    nanoseconds: ['time', 'nanoseconds'],
    bytes: ['space', 'bytes'],
  };
  const [type, unit] = types[profile.unit]!;
  const valueType = new ProtobufWriter()
    .number(1, offset)
    .number(2, offset + 1)
    .finish();
  out.bytes(1, valueType);
  const parent = parentsOf(nodes.depth);
  for (let i = 1; i < nodes.frame.length; i++) {
    if (nodes.self[i] === 0) continue;
    const locations: number[] = [];
    for (let at = i; at > 0; at = parent[at]!) locations.push(nodes.frame[at]!);
    out.bytes(
      2,
      new ProtobufWriter()
        .numbers(1, locations)
        .numbers(2, [Math.round(nodes.self[i]!)])
        .finish(),
    );
  }
  const mappings = new Map<number, number>();
  for (const module of mainFirst(profile)) {
    mappings.set(module, mappings.size + 1);
    out.bytes(3, new ProtobufWriter().number(1, mappings.size).number(5, module).number(7, 1).finish());
  }
  for (let f = 1; f < frames.name.length; f++) {
    const line = new ProtobufWriter().number(1, f).number(2, frames.line[f]!).finish();
    out.bytes(
      4,
      new ProtobufWriter()
        .number(1, f)
        .number(2, mappings.get(frames.module[f]!) ?? 0)
        .bytes(4, line)
        .finish(),
    );
    out.bytes(
      5,
      new ProtobufWriter()
        .number(1, f)
        .number(2, frames.name[f]!)
        .number(3, frames.name[f]!)
        .number(4, frames.file[f]!)
        .finish(),
    );
  }
  for (let id = 0; id < offset; id++) out.text(6, textAt(strings, id));
  out.text(6, type).text(6, unit);
  if (profile.startedAtMs !== undefined) out.number(9, Math.round(profile.startedAtMs * 1e6));
  if (profile.durationNs !== undefined) out.number(10, Math.round(profile.durationNs));
  return out.finish();
}

/** The modules' texts; the program is first, because pprof takes the first mapping for it (profile.proto, `mapping`). */
function mainFirst({ frames, strings }: Profile): number[] {
  const modules = [...new Set(frames.module)].filter((module) => module !== 0);
  const main = modules.find((module) => !isLibrary(textAt(strings, module)));
  return main === undefined ? modules : [main, ...modules.filter((module) => module !== main)];
}
